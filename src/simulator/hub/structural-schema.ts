// The schema of a definition's version, as far as the simulator reads it. Built-in kinds have one too, made of their protobuf fields.

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
  /** Of a built-in kind: a struct of Go, which is there also when nothing is in it. */
  readonly isStruct?: boolean;
  readonly [member: string]: unknown;
}

/** The schema of an object's member; undefined where it has none. */
export function memberSchema(schema: StructuralSchema | undefined, name: string): StructuralSchema | undefined {
  if (Object.hasOwn(schema?.properties ?? {}, name)) return schema?.properties?.[name];
  return typeof schema?.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** The schemas one step below. */
export function schemasBelow({ properties, items, additionalProperties }: StructuralSchema): StructuralSchema[] {
  return [
    ...Object.values(properties ?? {}),
    ...(items === undefined ? [] : [items]),
    ...(typeof additionalProperties === "object" ? [additionalProperties] : []),
  ];
}
