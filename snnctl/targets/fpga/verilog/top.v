// The core behind a serial line. The host sends, for each time step, the event counts of all input channels in order:
//
//     0x00 ... 0x7f   number of events of the next channel
//     0x80 ... 0xfe   the next 1 ... 127 channels have none
//     0xff            between two steps: back to rest, before each sample
//
// and receives after each step OUTPUTS numbers of OUTPUT_BYTES bytes, lowest byte first, two's complement: membrane
// potentials, or 1 for a spike. It waits for them before it sends the next step.

module top #(
    parameter CLOCKS_PER_BIT = 104
) (
    input  clk,
    input  rx,
    output tx
);
    `include "sizes.vh"

    // ---- Bytes received wait in a queue ------------------------------------------------------------------------------

    wire       rx_valid;
    wire [7:0] rx_data;
    uart_rx #(.CLOCKS_PER_BIT(CLOCKS_PER_BIT)) receiver (.clk(clk), .rx(rx), .valid(rx_valid), .data(rx_data));

    (* ram_style = "block", no_rw_check *) reg [7:0] queue [0:(1 << QUEUE_BITS) - 1];
    reg [QUEUE_BITS-1:0] written = 0, taken = 0;
    reg [7:0] code;
    reg       code_valid = 0;  // `code` is the byte at `taken`

    // ---- One byte is turned into event counts ------------------------------------------------------------------------

    wire idle, done, in_ready, out_valid;
    wire signed [31:0] out_data;
    reg  sends = 0;  // outputs are on their way to the host
    reg  [6:0] skipped = 0;

    wire is_rest = code == 8'hff;
    wire is_skip = code[7] && !is_rest;
    wire in_valid = code_valid && !is_rest;
    wire free = idle && !done && !sends;
    wire rest = code_valid && is_rest && free;
    wire start = in_valid && free;
    wire counted = in_valid && in_ready;
    wire finished = rest || (counted && (!is_skip || skipped == code[6:0]));

    always @(posedge clk) begin
        if (rx_valid) queue[written] <= rx_data;
        code <= queue[taken];
    end

    always @(posedge clk) begin
        if (rx_valid) written <= written + 1'b1;
        code_valid <= written != taken && !finished;
        if (finished) taken <= taken + 1'b1;
        if (counted) skipped <= finished ? 7'd0 : skipped + 1'b1;
    end

    core network (
        .clk(clk), .rest(rest), .start(start), .idle(idle), .done(done),
        .in_valid(in_valid), .in_count(is_skip ? 7'd0 : code[6:0]), .in_ready(in_ready),
        .out_valid(out_valid), .out_data(out_data)
    );

    // ---- Outputs are kept, then sent ---------------------------------------------------------------------------------

    (* ram_style = "block", no_rw_check *) reg [8*OUTPUT_BYTES-1:0] outputs [0:OUTPUTS-1];
    reg [8*OUTPUT_BYTES-1:0] word;
    reg [COUNT_BITS-1:0] stored = 0, sent = 0;
    reg [1:0] byte_sent = 0;
    reg       word_valid = 0;
    wire      tx_ready;
    wire      last_byte = byte_sent == OUTPUT_BYTES - 1;

    uart_tx #(.CLOCKS_PER_BIT(CLOCKS_PER_BIT)) sender (
        .clk(clk), .valid(sends && word_valid), .data(word[8*byte_sent +: 8]), .ready(tx_ready), .tx(tx)
    );

    always @(posedge clk) begin
        if (out_valid) outputs[stored] <= out_data[8*OUTPUT_BYTES-1:0];
        word <= outputs[sent];
    end

    always @(posedge clk) begin
        if (out_valid) stored <= stored + 1'b1;
        word_valid <= sends;
        if (done) sends <= 1'b1;
        else if (sends && word_valid && tx_ready) begin
            byte_sent <= last_byte ? 2'd0 : byte_sent + 1'b1;
            if (last_byte) begin
                word_valid <= 1'b0;
                sent <= sent + 1'b1;
                if (sent == OUTPUTS - 1) begin
                    sends <= 1'b0;
                    sent <= 0;
                    stored <= 0;
                end
            end
        end
    end
endmodule
