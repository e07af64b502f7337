// The 256 interrupt stubs: bring every event to one frame layout and one Rust function.
//
// Layout built here is `Frame` of interrupt.rs. All general registers are saved, so a handler may
// read and change what the interrupted code sees. There is no vector state: guests are soft-float.

    .section .text.vectors, "ax"
    .code64
    .balign 16
    .global vector_stubs
vector_stubs:
    .set vector, 0
    .rept 256
        .balign 16
        // The CPU pushes an error code by itself for 8, 10 to 14, 17, 21, 29 and 30.
        .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
        .else
            pushq $0
        .endif
        pushq $vector
        jmp vector_common
        .set vector, vector + 1
    .endr

vector_common:
    pushq %rax
    pushq %rbx
    pushq %rcx
    pushq %rdx
    pushq %rsi
    pushq %rdi
    pushq %rbp
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call rt_dispatch
    movq %rbp, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    addq $16, %rsp
    iretq

// bool fault_guard(fn(*mut u8), *mut u8, *mut Guard): calls the function with its argument.
// Returns 0 if it came back, 1 if a fault led to `fault_resume`. The guard keeps RSP.
    .global fault_guard
fault_guard:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushfq
    movq %rsp, (%rdx)
    movq %rdi, %rax
    movq %rsi, %rdi
    call *%rax
    xorl %eax, %eax
    jmp 1f
    .global fault_resume
fault_resume:
    movl $1, %eax
1:  popfq
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret
