// A spiking network, one accumulate a clock: weights and membranes in block RAM, spikes in rings of flip-flops.
//
// A step is a list of operations. "Events": each source that fired adds its row of weights to the membranes of its
// targets. "Update": each membrane of a population is compared with its threshold, leaks, and is reset.
// Sizes and tables of the network are in sizes.vh and tables.vh, its weights in weights.hex.

module core (
    input              clk,
    input              rest,      // while idle: all membranes to rest, all spikes forgotten; before each sample
    input              start,     // while idle: one time step
    output             idle,
    output reg         done,      // for one clock, after the last output of a step
    input              in_valid,  // number of events of the next input channel, all channels in order in each step
    input        [6:0] in_count,
    output             in_ready,  // the count is taken at the clock edge
    output reg         out_valid, // outputs, all in order in each step
    output reg signed [31:0] out_data  // a membrane potential, or 1 for a spike
);
    `include "sizes.vh"
    `include "tables.vh"

    localparam [2:0] IDLE = 0, LOAD = 1, SCAN = 2, ROW = 3, UPDATE = 4, DRAIN = 5, REST = 6;
    localparam [3:0] DEPTH = TERMS + 5;  // clocks from a membrane's read to its write, and one more

    // ---- Sequence -------------------------------------------------------------------------------------------------

    reg [2:0]                 phase = IDLE;
    reg [OPERATION_BITS-1:0]  operation = 0;
    reg                       from_input;      // of the operation: its sources are the input channels
    reg                       from_bias;       // its source is one that fires in every step
    reg [POPULATION_BITS-1:0] population = 0;  // the one updated, or whose spikes are the events
    reg [COUNT_BITS-1:0]      sources_left;
    reg [COUNT_BITS-1:0]      targets;
    reg [COUNT_BITS-1:0]      span;            // clocks of a row: its targets, or enough for one write before a read
    reg [COUNT_BITS-1:0]      column = 0;
    reg [NEURON_BITS-1:0]     first;           // address of the first target
    reg [NEURON_BITS-1:0]     target = 0;
    reg [WEIGHT_BITS-1:0]     row;             // address of the source's first weight
    reg [WEIGHT_BITS-1:0]     weight = 0;
    reg [6:0]                 repeats;         // events left of the source
    reg [3:0]                 wait_left;

    wire [POPULATIONS-1:0] heads;  // whether the next source of each population fired
    wire       known  = !from_input || in_valid;
    wire [6:0] events = from_input ? in_count : {6'd0, from_bias | heads[population]};
    wire       scans  = phase == SCAN && sources_left != 0;
    wire       takes  = scans && known;
    wire       last_column = column == span - 1'b1;

    assign idle = phase == IDLE;
    assign in_ready = scans && from_input;

    initial done = 1'b0;

    always @(posedge clk) begin
        done <= 1'b0;
        case (phase)
            IDLE: begin
                operation <= 0;
                target <= 0;
                if (rest) phase <= REST;
                else if (start) phase <= LOAD;
            end
            LOAD: begin
                from_input <= operation_from_input(operation);
                from_bias <= operation_from_bias(operation);
                population <= operation_population(operation);
                sources_left <= operation_sources(operation);
                targets <= operation_targets(operation);
                span <= operation_span(operation);
                first <= operation_first(operation);
                target <= operation_first(operation);
                row <= operation_weights(operation);
                column <= 0;
                wait_left <= DEPTH;
                phase <= operation_updates(operation) ? UPDATE : SCAN;
            end
            SCAN:
                if (sources_left == 0) phase <= DRAIN;
                else if (known) begin
                    sources_left <= sources_left - 1'b1;
                    repeats <= events;
                    weight <= row;
                    target <= first;
                    column <= 0;
                    if (events == 0) row <= row + targets;
                    else phase <= ROW;
                end
            ROW: begin
                column <= column + 1'b1;
                target <= target + 1'b1;
                weight <= weight + 1'b1;
                if (last_column) begin
                    repeats <= repeats - 1'b1;
                    column <= 0;
                    target <= first;
                    weight <= row;
                    if (repeats == 1) begin
                        row <= row + targets;
                        phase <= SCAN;
                    end
                end
            end
            UPDATE: begin
                column <= column + 1'b1;
                target <= target + 1'b1;
                if (column == targets - 1'b1) phase <= DRAIN;
            end
            DRAIN: begin
                wait_left <= wait_left - 1'b1;
                if (wait_left == 0) begin
                    operation <= operation + 1'b1;
                    phase <= operation == OPERATIONS - 1 ? IDLE : LOAD;
                    done <= operation == OPERATIONS - 1;
                end
            end
            REST: begin
                target <= target + 1'b1;
                if (target == NEURONS - 1) phase <= IDLE;
            end
            default: phase <= IDLE;
        endcase
    end

    // ---- Memories: read one clock after the address ------------------------------------------------------------------

    (* ram_style = "block", no_rw_check *) reg signed [STATE_BITS-1:0] membranes [0:NEURONS-1];
    (* ram_style = "block" *) reg signed [7:0] weights [0:WEIGHTS-1];
    reg signed [STATE_BITS-1:0] membrane_1, membrane_2;
    reg signed [7:0]            weight_1, weight_2;
    reg [NEURON_BITS-1:0]       target_1 = 0, target_2 = 0, target_3 = 0;
    reg                         adds_1 = 0, adds_2 = 0, adds_3 = 0;
    reg                         updates_1 = 0, updates_2 = 0, updates_3 = 0;

    integer i;
    initial begin
        for (i = 0; i < NEURONS; i = i + 1) membranes[i] = 0;
        $readmemh("weights.hex", weights);
    end

    wire                         writes;
    wire [NEURON_BITS-1:0]       write_target;
    wire signed [STATE_BITS-1:0] write_membrane;

    always @(posedge clk) begin
        if (writes) membranes[write_target] <= write_membrane;
        membrane_1 <= membranes[target];
    end

    always @(posedge clk) begin
        weight_1 <= weights[weight];
        if (adds_1) weight_2 <= weight_1;
        if (adds_1 || updates_1) membrane_2 <= membrane_1;
        target_1 <= target;
        target_2 <= target_1;
        target_3 <= target_2;
        adds_1 <= phase == ROW && column < targets;
        adds_2 <= adds_1;
        adds_3 <= adds_2;
        updates_1 <= phase == UPDATE;
        updates_2 <= updates_1;
        updates_3 <= updates_2;
    end

    // ---- Events: membrane + weight, modulo 2^STATE_BITS ----------------------------------------------------------------

    reg signed [STATE_BITS-1:0] sum_3;

    always @(posedge clk)
        if (adds_2) sum_3 <= membrane_2 + aligned(operation, weight_2);

    // ---- Update: clamp, compare, leak, reset ---------------------------------------------------------------------------

    reg signed [STATE_BITS-1:0] v_3;
    wire above = membrane_2[STATE_BITS-1 -: 2] == 2'b01;
    wire below = membrane_2[STATE_BITS-1 -: 2] == 2'b10;

    always @(posedge clk)
        if (updates_2) v_3 <= above || below ? {{2{below}}, {STATE_BITS-2{above}}} : membrane_2;

    // Stage k has taken away k terms of the leak; entry 0 is v itself.
    wire signed [STATE_BITS-1:0] v [0:TERMS];
    wire signed [STATE_BITS-1:0] leaked [0:TERMS];
    wire [NEURON_BITS-1:0]       target_at [0:TERMS];
    wire [TERMS:0]               fired, updates_at;

    assign v[0] = v_3;
    assign leaked[0] = v_3;
    assign target_at[0] = target_3;
    assign fired[0] = fires(population) && v_3 >= threshold(population);
    assign updates_at[0] = updates_3;

    genvar k;
    generate
        for (k = 0; k < TERMS; k = k + 1) begin : leak
            reg signed [STATE_BITS-1:0] v_after, leaked_after;
            reg [NEURON_BITS-1:0]       target_after = 0;
            reg                         fired_after = 0, updates_after = 0;
            always @(posedge clk) begin
                updates_after <= updates_at[k];
                if (updates_at[k]) begin
                    v_after <= v[k];
                    leaked_after <= leaked[k] - leak_term(k, population, v[k]);
                    target_after <= target_at[k];
                    fired_after <= fired[k];
                end
            end
            assign v[k+1] = v_after;
            assign leaked[k+1] = leaked_after;
            assign target_at[k+1] = target_after;
            assign fired[k+1] = fired_after;
            assign updates_at[k+1] = updates_after;
        end
    endgenerate

    reg signed [STATE_BITS-1:0] next;
    reg [NEURON_BITS-1:0]       target_next = 0;
    reg                         updates_next = 0;

    always @(posedge clk) begin
        if (updates_at[TERMS]) begin
            next <= fired[TERMS] ? reset(population, leaked[TERMS]) : leaked[TERMS];
            target_next <= target_at[TERMS];
        end
        updates_next <= updates_at[TERMS];
    end

    assign writes = adds_3 || updates_next || phase == REST;
    assign write_target = phase == REST ? target : updates_next ? target_next : target_3;
    assign write_membrane = phase == REST ? {STATE_BITS{1'b0}} : updates_next ? next : sum_3;

    // ---- Spikes and outputs ----------------------------------------------------------------------------------------------

    wire spike_valid = updates_at[1];
    wire spike = fired[1];

    genvar p;
    generate
        for (p = 0; p < POPULATIONS; p = p + 1) begin : spikes
            if (ring_length(p) == 0) assign heads[p] = 1'b0;
            else ring #(.LENGTH(ring_length(p))) of_population (
                .clk(clk),
                .shift(phase == REST || (spike_valid && population == p)),
                .rotate(takes && !from_input && !from_bias && population == p),
                .spike(spike && phase != REST),
                .head(heads[p])
            );
        end
    endgenerate

    initial out_valid = 1'b0;

    always @(posedge clk) begin
        out_valid <= spike_valid && population == OUTPUT_POPULATION;
        if (spike_valid) out_data <= fires(population) ? {31'd0, spike} : {{32-STATE_BITS{v[1][STATE_BITS-1]}}, v[1]};
    end
endmodule
