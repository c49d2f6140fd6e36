/* From reset to main on a Cortex-M without an operating system. Armv7-M Architecture Reference Manual, B1.5. */
#include <stdint.h>

#include "io.h"

extern uint32_t data_begin, data_end, data_stored, bss_begin, bss_end, stack_end;
int main(void);

void reset(void);
static void fault(void);
static void tick(void);

/* SysTick counts down from TICKS. */
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define TICKS 0xFFFFFFu

static volatile uint32_t rounds;

typedef struct {
    void *stack;
    void (*entries[15])(void);
} vectors_t;

__attribute__((section(".vectors"), used)) static const vectors_t vectors = {
    &stack_end,
    {reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, tick},
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
    SYST_RVR = TICKS;
    SYST_CVR = 0;
    SYST_CSR = 7; /* on, with an interrupt, by the processor's clock */
    main();
    for (;;) {}
}

static void tick(void)
{
    ++rounds;
}

uint32_t io_ticks(void)
{
    uint32_t round, left;
    do {
        round = rounds;
        left = SYST_CVR;
    } while (round != rounds);
    return round * (TICKS + 1) + ((TICKS + 1 - left) & TICKS); /* the interrupt comes at 0, before the reload */
}

static void fault(void)
{
    io_end(1);
    for (;;) {}
}
