/* Runs the network over samples.

   In:  uint32 samples, uint32 steps; then for each sample and step SNN_INPUTS values.
   Out: for each sample and step SNN_OUTPUTS values, what each population gave (snn_trace), and uint32 cycles of the
   step. Little-endian. */
#include <stdint.h>

#include "io.h"
#include "snn.h"

static snn_input_t x[SNN_INPUTS];
static snn_output_t out[SNN_OUTPUTS];

int main(void)
{
    uint32_t head[2];
    io_begin();
    io_read(head, sizeof head);
    for (uint32_t sample = 0; sample < head[0]; ++sample) {
        snn_reset();
        for (uint32_t step = 0; step < head[1]; ++step) {
            io_read(x, sizeof x);
            const uint32_t before = io_ticks();
            snn_step(x, out);
            const uint32_t ticks = io_ticks() - before;
            io_write(out, sizeof out);
            for (int k = 0; k < SNN_POPULATIONS; ++k) {
                const snn_trace_t trace = snn_trace(k);
                io_write(trace.data, trace.bytes);
            }
            io_write(&ticks, sizeof ticks);
        }
    }
    io_end(0);
    return 0;
}
