// A host on the serial line of top: sends bytes.bin, step by step, and writes what comes back to answers.bin.
// steps.txt: for each step, the bytes to send and the bytes to wait for.

module uart_testbench;
    parameter CLOCKS_PER_BIT = 8;

    reg  clk = 0, rx = 1;
    wire tx;

`ifdef NETLIST
    top board (.clk(clk), .rx(rx), .tx(tx));
`else
    top #(.CLOCKS_PER_BIT(CLOCKS_PER_BIT)) board (.clk(clk), .rx(rx), .tx(tx));
`endif

    always #5 clk = !clk;

    integer bytes, answers, steps, sends, waits, i, bit_sent, bit_heard, heard, got;
    reg [7:0] sent, received;

    initial begin  // the host hears
        heard = 0;
        answers = $fopen("answers.bin", "wb");
        forever begin
            @(negedge tx);
            #(10 * CLOCKS_PER_BIT + 5 * CLOCKS_PER_BIT);
            for (bit_heard = 0; bit_heard < 8; bit_heard = bit_heard + 1) begin
                received[bit_heard] = tx;
                #(10 * CLOCKS_PER_BIT);
            end
            if (!tx) $display("no stop bit");
            $fwrite(answers, "%c", received);
            heard = heard + 1;
        end
    end

    initial begin  // and speaks
        bytes = $fopen("bytes.bin", "rb");
        steps = $fopen("steps.txt", "r");
        #1003;  // not in phase with the clock
        while ($fscanf(steps, "%d %d", sends, waits) == 2) begin
            got = heard;
            for (i = 0; i < sends; i = i + 1) begin
                sent = $fgetc(bytes);
                rx = 0;
                #(10 * CLOCKS_PER_BIT);
                for (bit_sent = 0; bit_sent < 8; bit_sent = bit_sent + 1) begin
                    rx = sent[bit_sent];
                    #(10 * CLOCKS_PER_BIT);
                end
                rx = 1;
                #(10 * CLOCKS_PER_BIT);
            end
            wait (heard == got + waits);
        end
        $fclose(answers);
        $finish;
    end
endmodule
