// Serial sender: 1 start bit, 8 data bits, lowest first, 1 stop bit.

module uart_tx #(
    parameter CLOCKS_PER_BIT = 104
) (
    input       clk,
    input       valid,  // `data` is taken at a clock edge at which `ready`
    input [7:0] data,
    output      ready,
    output      tx
);
    reg [9:0]  bits = 10'h3ff;
    reg [3:0]  bits_left = 0;
    reg [15:0] left = 0;

    assign ready = bits_left == 0;
    assign tx = bits[0];

    always @(posedge clk)
        if (ready) begin
            if (valid) begin
                bits <= {1'b1, data, 1'b0};
                bits_left <= 10;
                left <= CLOCKS_PER_BIT - 1;
            end
        end else if (left != 0) left <= left - 1'b1;
        else begin
            bits <= {1'b1, bits[9:1]};
            bits_left <= bits_left - 1'b1;
            left <= CLOCKS_PER_BIT - 1;
        end
endmodule
