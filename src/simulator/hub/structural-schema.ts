// The schema of a definition's version, as far as the simulator reads it. Nothing here checks that it is one.

/** The members of a structural schema that are read here. */
export interface StructuralSchema {
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly [member: string]: unknown;
}
