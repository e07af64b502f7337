# First instructions of the other cores: real mode to long mode in one step.
#
# Copied to a page below 640 KiB that the memory map allows, so everything here is
# relative to the page (CS base), except the far jump into the image. The block
# at the end is filled by `smp` before the start-up IPI.
.section .rodata.ap_start, "a"
.balign 16
.global bulkhead_ap_start
.global bulkhead_ap_start_end
.global bulkhead_ap_fields
.code16
bulkhead_ap_start:
    cli
    cld
    mov ax, cs
    mov ds, ax
    data32 lgdt [bulkhead_ap_gdtr - bulkhead_ap_start]
    mov eax, 0x20
    mov cr4, eax
    mov eax, [bulkhead_ap_cr3 - bulkhead_ap_start]
    mov cr3, eax
    mov ecx, 0xc0000080
    rdmsr
    or eax, 0x100
    wrmsr
    mov eax, 0x80010033
    mov cr0, eax
    data32 ljmp [bulkhead_ap_target - bulkhead_ap_start]
.balign 8
bulkhead_ap_fields:
bulkhead_ap_cr3:
    .long 0
bulkhead_ap_target:
    .long 0
    .word 0x08
    .word 0
bulkhead_ap_gdtr:
    .word 0
    .long 0
    .word 0
bulkhead_ap_start_end:

.section .text.ap_entry, "ax"
.global bulkhead_ap_entry
.code64
bulkhead_ap_entry:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    mov rsp, [bulkhead_ap_stack]
    xor ebp, ebp
    call bulkhead_ap_main
    ud2
