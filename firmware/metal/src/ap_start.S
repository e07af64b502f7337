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
    movw %cs, %ax
    movw %ax, %ds
    lgdtl bulkhead_ap_gdtr - bulkhead_ap_start
    movl $0x20, %eax
    movl %eax, %cr4
    movl bulkhead_ap_cr3 - bulkhead_ap_start, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    ljmpl *bulkhead_ap_target - bulkhead_ap_start
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
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq bulkhead_ap_stack, %rsp
    xorl %ebp, %ebp
    call bulkhead_ap_main
    ud2
