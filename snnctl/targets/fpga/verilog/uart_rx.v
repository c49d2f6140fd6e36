// Serial receiver: 1 start bit, 8 data bits, lowest first, 1 stop bit.

module uart_rx #(
    parameter CLOCKS_PER_BIT = 104
) (
    input            clk,
    input            rx,
    output reg       valid,  // for one clock
    output reg [7:0] data
);
    reg [2:0]  line = 3'b111;  // rx, synchronised
    reg [15:0] left = 0;       // clocks to the next sample
    reg [3:0]  bits = 0;       // samples left; 0: between two bytes

    initial valid = 1'b0;

    always @(posedge clk) begin
        line <= {rx, line[2:1]};
        valid <= 1'b0;
        if (bits == 0) begin
            if (!line[0]) begin  // a start bit begins: sample it in its middle
                bits <= 10;
                left <= CLOCKS_PER_BIT / 2 - 1;
            end
        end else if (left != 0) left <= left - 1'b1;
        else begin
            left <= CLOCKS_PER_BIT - 1;
            bits <= bits == 10 && line[0] ? 4'd0 : bits - 1'b1;  // no start bit after all: a disturbance
            if (bits > 1 && bits < 10) data <= {line[0], data[7:1]};
            valid <= bits == 1 && line[0];
        end
    end
endmodule
