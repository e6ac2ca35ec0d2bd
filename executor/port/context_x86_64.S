/* context_x86_64.S - the context switch for the System V ABI, with unwind information.
 *
 * A context that was left is its stack pointer. Above it lie (struct frame in context_x86_64.c):
 *
 *      0 MXCSR (4 bytes)   4 x87 control word (2)   8 r15   16 r14   24 r13   32 r12   40 rbx   48 rbp   56 return address
 *
 * A suspended stack unwinds: a debugger that sets rsp and rip from it (rip: the label execi_context_left) finds the
 * caller. The signal mask does not travel. Returning with ret keeps the processor's return predictor right when the
 * two sides were left from the same call; therefore shadow stacks are not supported and the object is marked for
 * indirect branch tracking only, so that nobody turns them on.
 *
 * The control words are half of the cost (3.5 of 6.7 ns a switch). Comparing them and loading only what differs gains
 * nothing: it is the storing that is slow. */

        .text

/* void execi_context_switch(struct execi_context *from, const struct execi_context *to) */
        .globl  execi_context_switch
        .hidden execi_context_switch
        .type   execi_context_switch, @function
        .p2align 5
execi_context_switch:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp
        /* The rules above are true on either stack: both have the same frame here. */
        .globl  execi_context_left
        .hidden execi_context_left
execi_context_left:
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   execi_context_switch, . - execi_context_switch

/* The first instruction of a new context, reached by the ret above: r12 holds the function, r13 its argument, and rsp
 * is aligned to 16. Its own return address is undefined, so every unwinder ends here; rbp is 0 for those that follow
 * frame pointers. */
        .globl  execi_context_entry
        .hidden execi_context_entry
        .type   execi_context_entry, @function
        .p2align 4
execi_context_entry:
        .cfi_startproc
        .cfi_undefined %rip
        endbr64
        movq    %r13, %rdi
        xorl    %ebp, %ebp
        call    *%r12
        ud2
        .cfi_endproc
        .size   execi_context_entry, . - execi_context_entry

        .section .note.GNU-stack, "", @progbits

        .section .note.gnu.property, "a", @note
        .p2align 3
        .long   4                       /* name size */
        .long   16                      /* descriptor size */
        .long   5                       /* NT_GNU_PROPERTY_TYPE_0 */
        .asciz  "GNU"
        .long   0xc0000002              /* GNU_PROPERTY_X86_FEATURE_1_AND */
        .long   4
        .long   1                       /* indirect branch tracking; not shadow stacks */
        .long   0
