/* context_aarch64.S - the context switch for AAPCS64, with unwind information.
 *
 * A context that was left is its stack pointer. Above it lie (struct frame in context_aarch64.c):
 *
 *      0 FPCR   8 unused   16 d8 .. d15   80 x19 .. x28   160 x29   168 x30: where it goes on
 *
 * A suspended stack unwinds: a debugger that sets sp and pc from it (pc: the label execi_context_left) finds the caller. The
 * signal mask does not travel. The return address is not signed: who reaches here by a signed one has it authenticated in
 * his own frame. The object is marked for branch target identification, and has its landing pads; a ret needs none, and
 * keeps the processor's return predictor right when the two sides were left from the same call. FPCR is written only
 * where it differs, for a write of it waits for all that is under way. */

        .text

/* void execi_context_switch(struct execi_context *from, const struct execi_context *to) */
        .globl  execi_context_switch
        .hidden execi_context_switch
        .type   execi_context_switch, %function
        .p2align 5
execi_context_switch:
        .cfi_startproc
        hint    #34                     /* bti c */
        sub     sp, sp, #176
        .cfi_adjust_cfa_offset 176
        stp     d8, d9, [sp, #16]
        .cfi_rel_offset d8, 16
        .cfi_rel_offset d9, 24
        stp     d10, d11, [sp, #32]
        .cfi_rel_offset d10, 32
        .cfi_rel_offset d11, 40
        stp     d12, d13, [sp, #48]
        .cfi_rel_offset d12, 48
        .cfi_rel_offset d13, 56
        stp     d14, d15, [sp, #64]
        .cfi_rel_offset d14, 64
        .cfi_rel_offset d15, 72
        stp     x19, x20, [sp, #80]
        .cfi_rel_offset x19, 80
        .cfi_rel_offset x20, 88
        stp     x21, x22, [sp, #96]
        .cfi_rel_offset x21, 96
        .cfi_rel_offset x22, 104
        stp     x23, x24, [sp, #112]
        .cfi_rel_offset x23, 112
        .cfi_rel_offset x24, 120
        stp     x25, x26, [sp, #128]
        .cfi_rel_offset x25, 128
        .cfi_rel_offset x26, 136
        stp     x27, x28, [sp, #144]
        .cfi_rel_offset x27, 144
        .cfi_rel_offset x28, 152
        stp     x29, x30, [sp, #160]
        .cfi_rel_offset x29, 160
        .cfi_rel_offset x30, 168
        mrs     x9, fpcr
        str     x9, [sp]
        mov     x10, sp
        str     x10, [x0]
        ldr     x10, [x1]
        mov     sp, x10
        /* The rules above are true on either stack: both have the same frame here. */
        .globl  execi_context_left
        .hidden execi_context_left
execi_context_left:
        ldr     x10, [sp]
        cmp     x9, x10
        b.eq    1f
        msr     fpcr, x10
1:
        ldp     d8, d9, [sp, #16]
        .cfi_restore d8
        .cfi_restore d9
        ldp     d10, d11, [sp, #32]
        .cfi_restore d10
        .cfi_restore d11
        ldp     d12, d13, [sp, #48]
        .cfi_restore d12
        .cfi_restore d13
        ldp     d14, d15, [sp, #64]
        .cfi_restore d14
        .cfi_restore d15
        ldp     x19, x20, [sp, #80]
        .cfi_restore x19
        .cfi_restore x20
        ldp     x21, x22, [sp, #96]
        .cfi_restore x21
        .cfi_restore x22
        ldp     x23, x24, [sp, #112]
        .cfi_restore x23
        .cfi_restore x24
        ldp     x25, x26, [sp, #128]
        .cfi_restore x25
        .cfi_restore x26
        ldp     x27, x28, [sp, #144]
        .cfi_restore x27
        .cfi_restore x28
        ldp     x29, x30, [sp, #160]
        .cfi_restore x29
        .cfi_restore x30
        add     sp, sp, #176
        .cfi_adjust_cfa_offset -176
        ret
        .cfi_endproc
        .size   execi_context_switch, . - execi_context_switch

/* The first instruction of a new context, reached by the ret above: x19 holds the function, x20 its argument, and sp is
 * aligned to 16. Its own return address is undefined, so every unwinder ends here; x29 and x30 are 0 for those that follow
 * frame pointers. */
        .globl  execi_context_entry
        .hidden execi_context_entry
        .type   execi_context_entry, %function
        .p2align 4
execi_context_entry:
        .cfi_startproc
        .cfi_undefined x30
        hint    #36                     /* bti j */
        mov     x0, x20
        mov     x29, xzr
        mov     x30, xzr
        blr     x19
        brk     #1
        .cfi_endproc
        .size   execi_context_entry, . - execi_context_entry

        .section .note.GNU-stack, "", %progbits

        .section .note.gnu.property, "a", %note
        .p2align 3
        .long   4                       /* name size */
        .long   16                      /* descriptor size */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000000              /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
        .long   4
        .long   1                       /* branch target identification; return addresses are not signed */
        .long   0
