//! 32-bit code: the way into the payload, other processors, unexpected faults.
//!
//! Real coreboot stays resident: its fault handler prints and halts, its other
//! processors sleep in its code. Both are reproduced, because payloads have come
//! to grief on both. The handler lies in this image's reserved memory; descriptor
//! tables, stacks and the parking loop lie in CBMEM (see `handoff`).

use super::reset::PAGE_TABLES;
use core::arch::global_asm;

/// Page of the start-up code for other processors; free again once they are parked.
pub const STARTUP_PAGE: u64 = 0x1000;
/// Words of orders, as laid out in [`orders`].
pub const ORDER_WORDS: usize = 21;

/// Offsets of the orders' 32-bit fields.
pub mod orders {
    /// Limit and base of the descriptor table (6 bytes).
    pub const GDT: u64 = 0;
    /// Limit and base of the interrupt table (6 bytes).
    pub const IDT: u64 = 8;
    /// Lowest address of the stacks of other processors.
    pub const STACKS: u64 = 16;
    /// Address of the parking loop.
    pub const PARKING: u64 = 20;
    /// Processors that have taken a stack.
    pub const ARRIVED: u64 = 24;
    /// Processors on their way into the loop.
    pub const PARKED: u64 = 28;
    /// Not 0: other processors park in long mode.
    pub const LONG: u64 = 32;
    /// CR4 at the payload's entry.
    pub const CR4: u64 = 36;
    /// EFLAGS at the payload's entry.
    pub const FLAGS: u64 = 40;
    /// FS selector at the payload's entry.
    pub const FS: u64 = 44;
    /// Three model-specific registers: number, low half, high half.
    pub const REGISTERS: u64 = 48;
}

/// Physical address of an order.
pub fn order(offset: u64) -> u64 {
    &raw const boot_orders as u64 + offset
}

/// Bytes of stack for each other processor.
pub const STACK_BYTES: u64 = 256;
/// Bytes between two fault entries.
pub const FAULT_STRIDE: u64 = 8;
/// Faults with an entry: limit 0x9f of coreboot's table.
pub const FAULTS: u64 = 20;

global_asm!(
    r#"
    .section .rodata.startup, "a", @progbits
    .globl startup_begin, startup_end
startup_begin:
    .code16
    cli
    cld
    lgdtl %cs:(startup_gdt - startup_begin)
    movl $0x11, %eax
    movl %eax, %cr0
    ljmpl $0x08, $other_processor
startup_gdt:
    .word 31
    .long rom_gdt
startup_end:

    .section .text.protected, "ax", @progbits
    .code32
other_processor:
    lgdt {orders} + {gdt}
    lidt {orders} + {idt}
    ljmp $0x08, $1f
1:  movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xorl %eax, %eax
    movw %ax, %fs
    movl $0x40, %eax
    movw %ax, %gs
    movl $1, %eax
    lock xaddl %eax, {orders} + {arrived}
    incl %eax
    imull ${stack_bytes}, %eax, %eax
    addl {orders} + {stacks}, %eax
    movl %eax, %esp

    /* Local APIC: on, ExtINT masked, NMI open. */
    movl $0x10f, 0xfee000f0
    movl $0x10700, 0xfee00350
    movl $0x400, 0xfee00360

    movl ${orders} + {registers}, %esi
    movl $3, %edi
2:  movl (%esi), %ecx
    movl 4(%esi), %eax
    movl 8(%esi), %edx
    wrmsr
    addl $12, %esi
    decl %edi
    jnz 2b

    movl {orders} + {parking}, %ebx
    cmpl $0, {orders} + {long}
    jne 9f
    lock incl {orders} + {parked}
    jmp *%ebx

9:  movl $0x620, %eax               /* PAE, OSFXSR, OSXMMEXCPT */
    movl %eax, %cr4
    movl ${page_tables}, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    xorl %edx, %edx
    movl $0x100, %eax               /* EFER.LME */
    wrmsr
    movl $0x80000011, %eax
    movl %eax, %cr0
    ljmp $0x18, $10f
    .code64
10: lock incl {orders} + {parked}
    jmp *%rbx

    /* entry: edi = payload, esi = table, edx = stack. Compatibility mode lets
     * go of paging only from an identity-mapped page, which all are. */
    .code64
    .globl enter_payload
enter_payload:
    cli
    pushq $0x08
    leaq 3f(%rip), %rax
    pushq %rax
    lretq
    .code32
3:  movl %edx, %esp
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl $0xc0000080, %ecx
    xorl %eax, %eax
    xorl %edx, %edx
    wrmsr
    movl %eax, %cr3
    movl {orders} + {cr4}, %eax
    movl %eax, %cr4
    lgdt {orders} + {gdt}
    lidt {orders} + {idt}
    ljmp $0x08, $4f
4:  movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl {orders} + {fs}, %eax
    movw %ax, %fs
    movl $0x40, %eax
    movw %ax, %gs
    movl $0x11, %eax
    movl %eax, %cr0

    pushl %esi                      /* argument: [esp+4] at the entry */
    pushl $payload_returned         /* return address: [esp] */
    pushl %edi
    pushl {orders} + {flags}
    popfl
    movl $0x0badcafe, %eax          /* a payload that looks here is wrong */
    movl $0xb0b0b0b0, %ebx
    movl $0xc1c1c1c1, %ecx
    movl $0xd2d2d2d2, %edx
    movl $0x51515151, %esi
    movl $0xd1d1d1d1, %edi
    movl $0xb9b9b9b9, %ebp
    ret

payload_returned:
    movl $returned_text, %esi
    call print_text
    jmp halt

    .balign 8
    .globl fault_entries
fault_entries:
    .set vector, 0
    .rept {faults}
    .balign {fault_stride}
    pushl $vector
    jmp fault
    .set vector, vector + 1
    .endr

fault:
    movl $fault_text, %esi
    call print_text
    movl (%esp), %eax
    call print_hex
    movl $at_text, %esi
    call print_text
    movl (%esp), %ecx
    movl $0x27d00, %edx             /* vectors that push an error code */
    btl %ecx, %edx
    movl 4(%esp), %eax
    jnc 5f
    movl 8(%esp), %eax
5:  call print_hex
    movl $halting_text, %esi
    call print_text
halt:
    cli
    hlt
    jmp halt

print_text:                         /* esi: text with a zero at its end */
    lodsb
    testb %al, %al
    jz 6f
    call print_byte
    jmp print_text
6:  ret

print_hex:                          /* eax: value */
    movl $8, %ecx
7:  roll $4, %eax
    pushl %eax
    andl $15, %eax
    movb hex_digits(%eax), %al
    call print_byte
    popl %eax
    loop 7b
    ret

print_byte:                         /* al: byte; ebx and edx are lost */
    movb %al, %bl
    movw $0x3fd, %dx
8:  inb %dx, %al
    testb $0x20, %al
    jz 8b
    movb %bl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    ret

    .section .rodata.protected, "a", @progbits
hex_digits:     .ascii "0123456789abcdef"
fault_text:     .asciz "\r\nUnexpected exception "
at_text:        .asciz " @ "
halting_text:   .asciz " - Halting\r\n"
returned_text:  .asciz "\r\nThe payload returned. Halted.\r\n"

    .section .bss.orders, "aw", @nobits
    .balign 8
    .globl boot_orders
boot_orders: .skip 4 * {order_words}
    .text
    .code64
"#,
    orders = sym boot_orders,
    order_words = const ORDER_WORDS,
    page_tables = const PAGE_TABLES,
    long = const orders::LONG,
    cr4 = const orders::CR4,
    flags = const orders::FLAGS,
    fs = const orders::FS,
    gdt = const orders::GDT,
    idt = const orders::IDT,
    stacks = const orders::STACKS,
    parking = const orders::PARKING,
    arrived = const orders::ARRIVED,
    parked = const orders::PARKED,
    registers = const orders::REGISTERS,
    stack_bytes = const STACK_BYTES,
    faults = const FAULTS,
    fault_stride = const FAULT_STRIDE,
    options(att_syntax)
);

unsafe extern "C" {
    /// The orders, see [`orders`].
    pub static mut boot_orders: [u32; ORDER_WORDS];
    /// First byte of the start-up code, to be copied to [`STARTUP_PAGE`].
    pub static startup_begin: u8;
    /// First byte after it.
    pub static startup_end: u8;
    /// First fault entry; the others follow every [`FAULT_STRIDE`] bytes.
    pub static fault_entries: u8;
    /// Leaves long mode and jumps.
    pub fn enter_payload(entry: u32, table: u32, stack: u32) -> !;
}
