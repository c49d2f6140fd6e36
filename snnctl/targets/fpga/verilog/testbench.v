// Runs the core over samples and writes what it gave.
//
// inputs.bin: a byte for the count of each sample, step and channel. Written: outputs.txt, a number a line; spikes.txt,
// the spikes of every population that fires, as 0 and 1, in the order of updates; clocks.txt, the clocks of each step.

module testbench;
    `include "sizes.vh"

    reg clk = 0, rest = 0, start = 0, in_valid = 0;
    reg  [6:0] in_count = 0;
    wire idle, done, in_ready, out_valid;
    wire signed [31:0] out_data;

    core network (
        .clk(clk), .rest(rest), .start(start), .idle(idle), .done(done),
        .in_valid(in_valid), .in_count(in_count), .in_ready(in_ready),
        .out_valid(out_valid), .out_data(out_data)
    );

    always #5 clk = !clk;

    integer samples, steps, sample, step, channel;
    time    began;
    integer inputs, outputs, spikes, times;

    always @(posedge clk) begin
        if (out_valid) $fwrite(outputs, "%0d\n", out_data);
        if (network.spike_valid)
            if (network.fires(network.population)) $fwrite(spikes, "%b", network.spike);
    end

    initial begin
        if (!$value$plusargs("samples=%d", samples) || !$value$plusargs("steps=%d", steps)) begin
            $display("give +samples=N +steps=N");
            $finish;
        end
        inputs = $fopen("inputs.bin", "rb");
        outputs = $fopen("outputs.txt", "w");
        spikes = $fopen("spikes.txt", "w");
        times = $fopen("clocks.txt", "w");
        for (sample = 0; sample < samples; sample = sample + 1) begin
            @(negedge clk) rest = 1;
            @(negedge clk) rest = 0;
            while (!idle) @(negedge clk);
            for (step = 0; step < steps; step = step + 1) begin
                start = 1;
                began = $time;
                @(negedge clk) start = 0;
                for (channel = 0; channel < INPUTS; channel = channel + 1) begin
                    in_valid = 1;
                    in_count = $fgetc(inputs);
                    while (!in_ready) @(negedge clk);
                    @(negedge clk) in_valid = 0;
                end
                while (!done) @(negedge clk);
                $fwrite(times, "%0d\n", ($time - began) / 10);
            end
        end
        $fclose(inputs);
        $fclose(outputs);
        $fclose(spikes);
        $fclose(times);
        $finish;
    end
endmodule
