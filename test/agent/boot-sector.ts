/** Guests of a few bytes, which the firmware loads from the first sector of a disk and jumps to. */

/** Does nothing, for ever. */
export const idles = sector([0xf4, 0xeb, 0xfd]); // hlt; jmp $-1

/** Powers the machine off as an operating system does: sleep state S5 into the chipset's power register. */
export const powersOff = sector([
  ...[0xba, 0x04, 0x06], // mov dx, 0x604
  ...[0xb8, 0x00, 0x20], // mov ax, 0x2000
  0xef, // out dx, ax
  ...[0xf4, 0xeb, 0xfd], // hlt; jmp $-1
]);

/** Resets the machine by the keyboard controller, each time that it is started. */
export const resetsForEver = sector([
  ...[0xb0, 0xfe], // mov al, 0xfe
  ...[0xe6, 0x64], // out 0x64, al
  ...[0xf4, 0xeb, 0xfd], // hlt; jmp $-1
]);

/** Writes `x` to the serial port without end. */
export const printsForEver = sector([
  ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8
  ...[0xb0, 0x78], // mov al, 'x'
  0xee, // out dx, al
  ...[0xeb, 0xfd], // jmp $-1
]);

/** Writes to its own disk from 1 MiB on, 32 KiB at a time, without end. */
export const fillsItsDisk = sector([
  ...[0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0], // xor ax, ax; mov ds, ax; mov ss, ax
  ...[0xbc, 0x00, 0x7c], // mov sp, 0x7c00
  ...[0xbe, 0x20, 0x7c], // again: mov si, 0x7c20 (the packet below)
  ...[0xb8, 0x00, 0x43], // mov ax, 0x4300 (extended write)
  ...[0xcd, 0x13], // int 0x13
  ...[0x83, 0x06, 0x28, 0x7c, 0x40], // add word [0x7c28], 64
  ...[0x83, 0x16, 0x2a, 0x7c, 0x00], // adc word [0x7c2a], 0
  ...[0xeb, 0xec, 0x90, 0x90, 0x90], // jmp again
  // Packet: its length, 64 sectors, from 0x0000:0x8000, to sector 2048.
  ...[0x10, 0x00, 0x40, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
]);

function sector(program: readonly number[]): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.set(program);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}
