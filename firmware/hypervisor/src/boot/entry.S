# First instructions of the payload: 32-bit protected mode to Rust in long mode.
#
# Known on entry: protected mode, flat segments, paging off, interrupts off,
# physical entry. From coreboot [ESP+4] is the table; everything else, CR4 and
# the IDT included, is not to be relied on. From PVH EBX is the start info. Both
# labels tag their source for Rust: EDI 1 or 2, ESI the pointer.
.section .note.pvh, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long bulkhead_entry_pvh

.section .text.entry, "ax"
.code32
.global bulkhead_entry_coreboot
.global bulkhead_entry_pvh
bulkhead_entry_coreboot:
    cli
    cld
    mov esi, [esp + 4]
    mov edi, 1
    jmp 1f
bulkhead_entry_pvh:
    cli
    cld
    mov esi, ebx
    mov edi, 2
1:
    mov esp, offset BULKHEAD_STACKS + {stack}
    lgdt [entry_gdt_pointer]
    push 0x18
    mov eax, offset entry_flat
    push eax
    retf
entry_flat:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax

    # Own IDT at once: every exception says so on COM1 and stops.
    mov ebx, offset entry_fault
    mov ecx, 32
    mov edx, offset entry_idt
3:
    mov eax, 0x180000
    mov ax, bx
    mov [edx], eax
    mov eax, ebx
    mov ax, 0x8e00
    mov [edx + 4], eax
    add edx, 8
    dec ecx
    jnz 3b
    lidt [entry_idt_pointer]

    # Long mode is there?
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb 4f
    mov eax, 0x80000001
    cpuid
    test edx, 1 << 29
    jnz 5f
4:
    mov ebp, offset entry_no_long_mode
    jmp entry_print

    # The first 4 GiB one to one in 2 MiB pages.
5:
    mov eax, offset entry_directories + 0x3
    mov edx, offset bulkhead_boot_pdpt
    mov ecx, 4
6:
    mov [edx], eax
    mov dword ptr [edx + 4], 0
    add eax, 0x1000
    add edx, 8
    dec ecx
    jnz 6b
    mov eax, 0x83
    mov edx, offset entry_directories
    mov ecx, 2048
7:
    mov [edx], eax
    mov dword ptr [edx + 4], 0
    add eax, 0x200000
    add edx, 8
    dec ecx
    jnz 7b
    mov eax, offset bulkhead_boot_pdpt + 0x3
    mov [entry_root], eax
    mov dword ptr [entry_root + 4], 0

    mov eax, 0x20
    mov cr4, eax
    mov eax, offset entry_root
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, 0x80010033
    mov cr0, eax
    push 0x08
    mov eax, offset entry_long
    push eax
    retf

entry_fault:
    mov ebp, offset entry_fault_text
# EBP: text. COM1 by polling; the serial record is not read yet.
entry_print:
    mov ecx, 0x10000
8:
    mov edx, 0x3fd
    in al, dx
    test al, 0x20
    jnz 9f
    dec ecx
    jnz 8b
9:
    mov al, [ebp]
    test al, al
    jz 10f
    mov edx, 0x3f8
    out dx, al
    inc ebp
    jmp entry_print
10:
    cli
    hlt
    jmp 10b

.code64
entry_long:
    mov eax, 0x10
    mov ss, eax
    mov rsp, offset BULKHEAD_STACKS + {stack}
    xor ebp, ebp
    mov edi, edi
    mov esi, esi
    call bulkhead_main
    ud2

.section .rodata.entry, "a"
entry_no_long_mode: .asciz "bulkhead: this CPU has no long mode\r\n"
entry_fault_text: .asciz "bulkhead: exception before long mode\r\n"
.balign 8
entry_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
entry_gdt_pointer:
    .word 31
    .long entry_gdt
entry_idt_pointer:
    .word 255
    .long entry_idt

.section .bss.entry, "aw", @nobits
.balign 4096
.global bulkhead_boot_pdpt
entry_root: .skip 4096
bulkhead_boot_pdpt: .skip 4096
entry_directories: .skip 4 * 4096
entry_idt: .skip 256
