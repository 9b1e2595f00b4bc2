// Quantities as pairs of text and value, so that the ground truth never parses what the API shows. All texts are canonical.

export interface Quantity {
  /** As the API shows it; "" when the container asks for nothing. */
  readonly text: string;
  /** Thousandths of a core, or bytes. */
  readonly value: number;
}

const mebibyte = 1024 ** 2;
const nothing: Quantity = { text: "", value: 0 };

/** CPU requests of containers; value in thousandths of a core. Small ones are more frequent. */
export const cpuRequests: readonly Quantity[] = [
  nothing,
  { text: "5m", value: 5 },
  { text: "10m", value: 10 },
  { text: "25m", value: 25 },
  { text: "50m", value: 50 },
  { text: "75m", value: 75 },
  { text: "100m", value: 100 },
  { text: "100m", value: 100 },
  { text: "125m", value: 125 },
  { text: "200m", value: 200 },
  { text: "250m", value: 250 },
  { text: "333m", value: 333 },
  { text: "500m", value: 500 },
  { text: "1", value: 1000 },
];

/** Memory requests of containers; value in bytes. */
export const memoryRequests: readonly Quantity[] = [
  nothing,
  { text: "16Mi", value: 16 * mebibyte },
  { text: "32Mi", value: 32 * mebibyte },
  { text: "64Mi", value: 64 * mebibyte },
  { text: "100M", value: 100_000_000 },
  { text: "128Mi", value: 128 * mebibyte },
  { text: "134217728", value: 134_217_728 },
  { text: "150000Ki", value: 150_000 * 1024 },
  { text: "256Mi", value: 256 * mebibyte },
  { text: "256Mi", value: 256 * mebibyte },
  { text: "512Mi", value: 512 * mebibyte },
  { text: "768Mi", value: 768 * mebibyte },
  { text: "1Gi", value: 1024 * mebibyte },
  { text: "1G", value: 1_000_000_000 },
];

/** CPU of a node: whole cores are plain, anything else is in thousandths. */
export const cpuText = (milli: number): string => (milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`);
