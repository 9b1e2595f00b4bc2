// Memory of large buffers whose last reader is known. Left to the collector, which counts objects and hardly their buffers, tens of
// megabytes of bodies that nobody reads stay in each thread, and what is allocated meanwhile lies scattered between them.

/** Frees it at once. All views of it are empty afterwards; of one that was moved away or freed before there is nothing to free. */
export function freeMemory(buffer: ArrayBuffer): void {
  if (!buffer.detached) buffer.transfer(0);
}
