// The spikes of a population at its last update, one flip-flop a neuron, first neuron at the head.
//
// An update shifts its new spikes in while the old ones leave; reading turns the ring once around, so that the
// spikes are where they were.

module ring #(
    parameter LENGTH = 1
) (
    input  clk,
    input  shift,   // `spike` comes in at the end
    input  rotate,  // the head goes to the end
    input  spike,
    output head
);
    reg [LENGTH-1:0] bits = 0;
    wire [LENGTH:0] longer = {shift ? spike : bits[0], bits};

    assign head = bits[0];

    always @(posedge clk)
        if (shift || rotate) bits <= longer[LENGTH:1];
endmodule
