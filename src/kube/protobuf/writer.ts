// Writing protobuf's wire format from the end to the start, so that a length is known when it is written: one pass, one buffer.
// Callers write what comes last first.
import { BYTES, VARINT } from "./wire.ts";

export class WireWriter {
  #buffer = Buffer.allocUnsafe(4096);
  /** Where what is written so far starts. */
  #at = this.#buffer.length;

  /** Bytes written so far: what {@link closeMessage} measures from. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** A copy of all that was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.subarray(this.#at));
  }

  text(number: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length);
    this.#at -= length;
    this.#buffer.write(text, this.#at, "utf8");
    this.#tagAndLength(number, length);
  }

  bytes(number: number, bytes: Uint8Array): void {
    this.raw(bytes);
    this.#tagAndLength(number, bytes.length);
  }

  /** Bytes as they are, without tag and length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  /** @param value a whole number of 64 bits, signed. */
  int(number: number, value: number): void {
    let low = (value % 2 ** 32) >>> 0;
    let high = Math.floor(value / 2 ** 32) >>> 0;
    const digits: number[] = [];
    do {
      digits.push(low & 0x7f);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    } while (low !== 0 || high !== 0);
    this.#digits(digits);
    this.#varint(number * 8 + VARINT);
  }

  /** Turns what was written since `lengthBefore` into a message field. */
  closeMessage(number: number, lengthBefore: number): void {
    this.#tagAndLength(number, this.length - lengthBefore);
  }

  #tagAndLength(number: number, length: number): void {
    this.#varint(length);
    this.#varint(number * 8 + BYTES);
  }

  /** At most 31 bits. */
  #varint(value: number): void {
    const digits: number[] = [];
    do {
      digits.push(value & 0x7f);
      value >>>= 7;
    } while (value !== 0);
    this.#digits(digits);
  }

  /** The seven-bit digits of a number, lowest first. */
  #digits(digits: readonly number[]): void {
    this.#reserve(digits.length);
    for (let i = digits.length - 1; i >= 0; i--) {
      this.#buffer[--this.#at] = (digits[i] as number) | (i === digits.length - 1 ? 0 : 0x80);
    }
  }

  #reserve(length: number): void {
    if (length <= this.#at) return;
    const written = this.length;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, written + length));
    this.#buffer.copy(grown, grown.length - written, this.#at);
    this.#buffer = grown;
    this.#at = grown.length - written;
  }
}
