/** As much of JSON Schema as the schemas of a kit use: what is wrong with a value, one line for each thing. */

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly if?: Schema;
  readonly then?: Schema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const known = ['type', 'const', 'enum', 'pattern', 'minimum', 'required', 'properties', 'additionalProperties'].concat([
  'items',
  'anyOf',
  'allOf',
  'if',
  'then',
  '$ref',
  '$defs',
  '$schema',
  '$id',
  'title',
  'description',
]);

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** @throws Error for a keyword that is not understood here */
export function problemsOf(value: unknown, schema: Schema, root: Schema = schema, at = '$'): readonly string[] {
  const odd = Object.keys(schema).find((keyword) => !known.includes(keyword));
  if (odd !== undefined) throw new Error(`this reader of schemas does not know "${odd}"`);
  const under = (inner: unknown, one: Schema, where = at): readonly string[] => problemsOf(inner, one, root, where);
  const fails = (isBad: boolean, what: string): readonly string[] => (isBad ? [`${at} ${what}`] : []);
  const target = schema.$ref === undefined ? undefined : root.$defs?.[schema.$ref.replace('#/$defs/', '')];
  const isIf = schema.if && under(value, schema.if).length === 0;
  return [
    ...fails(schema.$ref !== undefined && !target, `refers to ${schema.$ref}`),
    ...(target ? under(value, target) : []),
    ...fails(schema.type !== undefined && !types[schema.type]?.(value), `is no ${schema.type}`),
    ...fails('const' in schema && value !== schema.const, `is not ${String(schema.const)}`),
    ...fails(schema.enum?.includes(value) === false, `is none of ${schema.enum?.join(', ')}`),
    ...fails(schema.pattern !== undefined && !new RegExp(schema.pattern).test(String(value)), 'has another form'),
    ...fails(schema.minimum !== undefined && !(Number(value) >= schema.minimum), 'is too small'),
    ...(schema.anyOf ? fails(!schema.anyOf.some((one) => under(value, one).length === 0), 'is none of anyOf') : []),
    ...(schema.allOf ?? []).flatMap((one) => under(value, one)),
    ...(isIf && schema.then ? under(value, schema.then) : []),
    ...(Array.isArray(value) && schema.items
      ? value.flatMap((item, i) => under(item, schema.items ?? {}, `${at}[${i}]`))
      : []),
    ...(types['object']?.(value) ? ofObject(value as Record<string, unknown>, schema, at, under) : []),
  ];
}

function ofObject(
  value: Readonly<Record<string, unknown>>,
  { required = [], properties = {}, additionalProperties = true }: Schema,
  at: string,
  under: (inner: unknown, one: Schema, where: string) => readonly string[],
): readonly string[] {
  const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => `${at} lacks ${key}`);
  const inside = Object.entries(value).flatMap(([key, inner]) => {
    const one = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
    if (one === false) return [`${at} has ${key}`];
    return one === true || one === undefined ? [] : under(inner, one, `${at}.${key}`);
  });
  return [...missing, ...inside];
}
