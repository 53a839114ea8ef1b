/** The bytes of a module from its functions (core specification 2.0, section 5.5). */
import type { Code, Local, ValueType } from './code.ts';
import { unsigned } from './encoding.ts';
import type { Body, Func, Signature } from './functions.ts';

/** The memory that a module imports as env.memory. */
export interface MemoryImport {
  readonly shared: boolean;
  /** In pages of 64 KiB. */
  readonly minimum: number;
  readonly maximum: number;
}

/** A module that is being made. */
export interface ModuleBuilder {
  /** Imports a function from module "env". Throws a TypeError after the first `func`: imports come before. */
  importFunc(name: string, signature: Signature): Func;
  /** Adds a function; `write` returns its body as code. */
  func<const P extends readonly ValueType[]>(
    signature: Signature<P>,
    write: (body: Body<P>) => Code,
    exportName?: string,
  ): Func;
  /** The bytes of the module. */
  build(): Uint8Array<ArrayBuffer>;
}

const typeByte: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

function lengthOf(code: Code): number {
  if (code instanceof Uint8Array) return code.length;
  let length = 0;
  for (const part of code) length += typeof part === 'number' ? 1 : lengthOf(part);
  return length;
}

/** Writes code from place `at` on. @returns the place behind it */
function write(code: Code, bytes: Uint8Array, at: number): number {
  if (code instanceof Uint8Array) {
    bytes.set(code, at);
    return at + code.length;
  }
  let end = at;
  for (const part of code) {
    if (typeof part === 'number') bytes[end++] = part;
    else end = write(part, bytes, end);
  }
  return end;
}

function bytesOf(code: Code): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(code));
  write(code, bytes, 0);
  return bytes;
}

/** Code behind the number of its bytes. */
const sized = (code: Code): Code => {
  const bytes = bytesOf(code);
  return [unsigned(bytes.length), bytes];
};
const section = (id: number, content: Code): Code => [id, sized(content)];
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const nameCode = (text: string): Code => sized([...new TextEncoder().encode(text)]);
const typesCode = (types: readonly ValueType[]): Code => vector(types.map((type) => [typeByte[type]]));
const memoryCode = ({ shared, minimum, maximum }: MemoryImport): Code => [
  nameCode('env'),
  nameCode('memory'),
  0x02,
  shared ? 3 : 1,
  unsigned(minimum),
  unsigned(maximum),
];

/** The code of a function with these parameters, its local variables included. */
function functionCode<P extends readonly ValueType[]>(params: P, write: (body: Body<P>) => Code): Code {
  const types: ValueType[] = [];
  const variable = <T extends ValueType>(type: T, index: number): Local<T> => ({
    type,
    index,
    code: [0x20, unsigned(index)],
  });
  const local = <T extends ValueType>(type: T): Local<T> => variable(type, params.length + types.push(type) - 1);
  const code = write({
    params: params.map(variable) as Body<P>['params'],
    local,
    *locals(type) {
      for (;;) yield local(type);
    },
  });
  return sized([vector(types.map((type) => [1, typeByte[type]])), code, 0x0b]);
}

/** A module that imports its memory as env.memory. */
export function moduleBuilder(memory: MemoryImport): ModuleBuilder {
  const types: Code[] = [];
  const typeIndices = new Map<string, number>();
  const imports: Code[] = [memoryCode(memory)];
  const functionTypes: number[] = [];
  const bodies: Code[] = [];
  const exported: Code[] = [];
  let importedFunctions = 0;

  const typeIndex = ({ params, results }: Signature): number => {
    const key = `${params.join()}>${results.join()}`;
    const index = typeIndices.get(key) ?? types.push([0x60, typesCode(params), typesCode(results)]) - 1;
    typeIndices.set(key, index);
    return index;
  };

  return {
    importFunc(name, signature) {
      if (functionTypes.length > 0)
        throw new TypeError(`the import ${name} must come before the module's own functions`);
      imports.push([nameCode('env'), nameCode(name), 0x00, unsigned(typeIndex(signature))]);
      return { index: importedFunctions++, signature };
    },
    func(signature, write, exportName) {
      // A body may add the functions that it calls: they come before it.
      const code = functionCode(signature.params, write);
      const index = importedFunctions + functionTypes.push(typeIndex(signature)) - 1;
      bodies.push(code);
      if (exportName !== undefined) exported.push([nameCode(exportName), 0x00, unsigned(index)]);
      return { index, signature };
    },
    build() {
      const code: Code = [
        [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, vector(types)),
        section(2, vector(imports)),
        section(3, vector(functionTypes.map((type) => unsigned(type)))),
        section(7, vector(exported)),
        section(10, vector(bodies)),
      ];
      return bytesOf(code);
    },
  };
}
