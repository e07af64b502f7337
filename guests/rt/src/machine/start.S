// First instructions of every CPU: 32-bit multiboot entry, and the APs' real-mode start.
//
// The boot CPU comes here in 32-bit protected mode with EAX = 0x2BADB002 and EBX = boot information.
// The other CPUs come to a copy of `ap_start` at AP_START_PAGE in real mode, by start-up IPI.
// Both end in 64-bit mode on their own stack, all of the first 4 GiB mapped one to one.

    .set HEADER_MAGIC, 0x1BADB002
    .set HEADER_FLAGS, 0x3              // modules on page boundaries; memory information wanted
    .set CODE64, 0x08
    .set CODE32, 0x18
    .set DATA, 0x10
    .set AP_START_PAGE, 0x8000          // also in smp.rs
    .set AP_STACK_BYTES, 0x4000         // also in smp.rs
    .set BOOT_STACK_BYTES, 0x10000

    .section .multiboot, "a"
    .balign 4
    .long HEADER_MAGIC
    .long HEADER_FLAGS
    .long -(HEADER_MAGIC + HEADER_FLAGS)

    .section .text.start, "ax"
    .code32
    .global start32
start32:
    cli
    // What the loader promised is a claim to be checked: keep all of it for `start.rs`.
    movl %eax, entry_state
    movl %ebx, entry_state + 4
    movl %cr0, %eax
    movl %eax, entry_state + 8
    movl $boot_stack_top, %esp
    pushfl
    popl entry_state + 12
    movw %cs, entry_state + 16
    movw %ds, entry_state + 18
    movw %es, entry_state + 20
    movw %ss, entry_state + 22
    movl %cr4, %eax
    movl %eax, entry_state + 24
    cld

    // Tables: one level-4 and one level-3 page, four level-2 pages of 2 MiB entries.
    // Present, writable, user: probes drop to CPL 3 and stay in the same map.
    movl $boot_pdpt + 7, boot_pml4
    movl $boot_pd + 7, %eax
    xorl %ecx, %ecx
1:  movl %eax, boot_pdpt(,%ecx,8)
    addl $0x1000, %eax
    incl %ecx
    cmpl $4, %ecx
    jb 1b
    xorl %ecx, %ecx
2:  movl %ecx, %eax
    shll $21, %eax
    orl $0x87, %eax
    cmpl $1536, %ecx                    // from 3 GiB up live devices: uncached
    jb 3f
    orl $0x18, %eax
3:  movl %eax, boot_pd(,%ecx,8)
    incl %ecx
    cmpl $2048, %ecx
    jb 2b

    lgdt boot_gdt_pointer
    call long_mode_on
    ljmp $CODE64, $start64

// Turns paging and long mode on for the CPU that calls; EAX, ECX, EDX change.
long_mode_on:
    movl %cr4, %eax
    orl $0x20, %eax                     // PAE
    movl %eax, %cr4
    movl $boot_pml4, %eax
    movl %eax, %cr3
    movl $0xC0000080, %ecx              // EFER
    rdmsr
    orl $0x100, %eax                    // LME
    wrmsr
    movl %cr0, %eax
    andl $0x9FFFFFFB, %eax              // caches on, no x87 emulation
    orl $0x80010003, %eax               // PG, WP, MP, PE
    movl %eax, %cr0
    ret

    .code64
start64:
    movw $DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xorl %eax, %eax
    movw %ax, %fs
    movw %ax, %gs
    movl $boot_stack_top, %esp
    xorl %ebp, %ebp
    call rt_boot
    ud2

// ---- The other CPUs: copied to AP_START_PAGE, so every address is relative to it. ----
    .code16
    .global ap_start
ap_start:
    cli
    cld
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AP_START_PAGE + (ap_gdt_pointer - ap_start)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $CODE32, $(AP_START_PAGE + (ap_start32 - ap_start))
    .code32
ap_start32:
    movw $DATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    // The stack is found by the APIC id, which equals the vCPU index on this machine.
    movl $1, %eax
    cpuid
    shrl $24, %ebx
    movl %ebx, %edi
    movl %ebx, %esp
    imull $AP_STACK_BYTES, %esp
    addl $ap_stacks + AP_STACK_BYTES, %esp
    movl $long_mode_on, %eax            // not relative: this code is a copy
    call *%eax
    ljmp $CODE64, $ap_start64
    .balign 4
ap_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt
    .global ap_start_end
ap_start_end:

    .code64
ap_start64:
    xorl %eax, %eax
    movw %ax, %fs
    movw %ax, %gs
    movl %esp, %esp
    xorl %ebp, %ebp
    call rt_ap_boot
    ud2

    .section .rodata.start, "a"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00AF9B000000FFFF            // 64-bit code
    .quad 0x00CF93000000FFFF            // data
    .quad 0x00CF9B000000FFFF            // 32-bit code
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .long boot_gdt

    .section .bss.start, "aw", @nobits
    .balign 4096
    .global boot_pml4
boot_pml4:  .skip 4096
boot_pdpt:  .skip 4096
    .global boot_pd
boot_pd:    .skip 4 * 4096
    .skip BOOT_STACK_BYTES
boot_stack_top:
    .global ap_stacks
ap_stacks:  .skip 8 * AP_STACK_BYTES    // MAX_CPUS of smp.rs
    .global entry_state
    .balign 8
entry_state: .skip 32
