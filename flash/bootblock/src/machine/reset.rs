//! From the reset vector to Rust: real mode, protected mode, copy, long mode.
//!
//! A processor begins in real mode at F000:FFF0 with its code base at the last 64
//! KiB below 4 GiB. The ROM cannot be written, so the section that runs there has
//! no data; it copies the image to RAM, clears its zeros, maps the first 4 GiB
//! one to one in 2 MiB pages and calls [`boot`](crate::boot::boot) in long mode.
//!
//! Also called: bootblock, romstage, `_start`.

use core::arch::global_asm;

/// Bytes of stack for the boot processor: the LZMA model alone takes 28 KiB.
const STACK_BYTES: usize = 256 * 1024;

/// Where the page tables lie, six pages: where coreboot's x86_64 build has them.
/// The memory map reserves them whichever build is imitated.
pub const PAGE_TABLES: u64 = 0x8000;

global_asm!(
    r#"
    .section .reset, "ax", @progbits
    .globl reset_start
reset_start:
    .set RESET_OFFSET, 0xfc00       /* of this section in the last 64 KiB */
    .code16
real_mode:
    cli
    cld
    movw $(RESET_OFFSET + rom_gdt_pointer - reset_start), %bx
    lgdtl %cs:(%bx)
    movl %cr0, %eax
    andl $0x9fffffff, %eax          /* caches on */
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x08, $protected

    .code32
protected:
    movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movw %ax, %fs
    movw %ax, %gs

    /* Is there RAM at all where the image runs, up to its end? */
    movl $IMAGE_LIMIT - 4, %ebx
    movl $0x5aa50ff0, (%ebx)
    movl $0xa55af00f, IMAGE_START
    cmpl $0x5aa50ff0, (%ebx)
    jne no_ram
    cmpl $0xa55af00f, IMAGE_START
    jne no_ram

    movl $ROM_START, %esi
    movl $IMAGE_START, %edi
    movl $image_words, %ecx
    rep movsl
    xorl %eax, %eax
    movl $bss_start, %edi
    movl $bss_words, %ecx
    rep stosl

    /* Two pages of upper levels, four page directories of 2 MiB pages. */
    movl ${page_tables}, %edi
    movl $0x800, %ecx
    rep stosl
    movl $0x83, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl ${page_tables} + 0x2003, %eax
    movl ${page_tables} + 0x1000, %edi
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $0x1000, %eax
    addl $8, %edi
    loop 2b
    movl ${page_tables} + 0x1003, {page_tables}

    movl $0x20, %eax                /* CR4.PAE */
    movl %eax, %cr4
    movl ${page_tables}, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          /* EFER.LME */
    xorl %edx, %edx
    movl $0x100, %eax
    wrmsr
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    ljmp $0x18, $long_mode

    /* Nothing can be called without RAM: speak to COM1 from here. */
no_ram:
    movl $no_ram_text, %esi
3:  lodsb
    testb %al, %al
    jz 5f
    movb %al, %bl
    movw $0x3fd, %dx
4:  inb %dx, %al
    testb $0x20, %al
    jz 4b
    movb %bl, %al
    movw $0x3f8, %dx
    outb %al, %dx
    jmp 3b
5:  cli
    hlt
    jmp 5b

no_ram_text:
    .asciz "RAM: too little: nothing answers at 32 MiB, where the boot block runs.\r\nHalted.\r\n"

    .balign 8
    .globl rom_gdt
rom_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff        /* 08: 32-bit code */
    .quad 0x00cf93000000ffff        /* 10: data */
    .quad 0x00af9b000000ffff        /* 18: 64-bit code */
rom_gdt_pointer:
    .word 31
    .long rom_gdt

    .org 0x3f0, 0xff                /* reset_vector */
    .code16
    jmp real_mode
    .org 0x400, 0xff

    .section .text.long_mode, "ax", @progbits
    .code64
long_mode:
    movl $0x10, %eax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xorl %eax, %eax
    movw %ax, %fs
    movw %ax, %gs
    movl $boot_stack + {stack}, %esp
    xorl %ebp, %ebp
    call boot_main
6:  cli
    hlt
    jmp 6b

    .section .bss.stack, "aw", @nobits
    .balign 16
boot_stack: .skip {stack}
"#,
    stack = const STACK_BYTES,
    page_tables = const PAGE_TABLES,
    options(att_syntax)
);

/// Called by the assembly above, once, on the boot processor's own stack.
// SAFETY: the name is this crate's own, nothing else defines it.
#[unsafe(no_mangle)]
extern "C" fn boot_main() -> ! {
    crate::boot::boot()
}
