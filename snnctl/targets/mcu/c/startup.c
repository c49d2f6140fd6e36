/* From reset to main on a Cortex-M without an operating system. Armv7-M Architecture Reference Manual, B1.5. */
#include <stdint.h>

#include "io.h"

extern uint32_t data_begin, data_end, data_stored, bss_begin, bss_end, stack_end;
int main(void);

void reset(void);
static void fault(void);

typedef struct {
    void *stack;
    void (*entries[15])(void);
} vectors_t;

__attribute__((section(".vectors"), used)) static const vectors_t vectors = {
    &stack_end,
    {reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault},
};

void reset(void)
{
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to the FPU */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    const uint32_t *from = &data_stored;
    for (uint32_t *to = &data_begin; to < &data_end; ++to) *to = *from++;
    for (uint32_t *to = &bss_begin; to < &bss_end; ++to) *to = 0;
    main();
    for (;;) {}
}

static void fault(void)
{
    io_end(1);
    for (;;) {}
}
