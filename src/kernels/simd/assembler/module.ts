/** The bytes of a module from its functions (core specification 2.0, section 5.5). */
import { joined } from './code.ts';
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

const typeByte: Readonly<Record<ValueType, string>> = { i32: '\x7f', f32: '\x7d', f64: '\x7c', v128: '\x7b' };

/** Code behind the number of its bytes. */
const sized = (code: Code): string => {
  const bytes = joined(code);
  return unsigned(bytes.length) + bytes;
};
const section = (id: number, content: Code): string => unsigned(id) + sized(content);
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const nameCode = (text: string): string => sized(String.fromCharCode(...new TextEncoder().encode(text)));
const typesCode = (types: readonly ValueType[]): Code => vector(types.map((type) => typeByte[type]));
const memoryCode = ({ shared, minimum, maximum }: MemoryImport): Code => [
  nameCode('env'),
  nameCode('memory'),
  shared ? '\x02\x03' : '\x02\x01',
  unsigned(minimum),
  unsigned(maximum),
];

/** The code of a function with these parameters, its local variables included. */
function functionCode<P extends readonly ValueType[]>(params: P, write: (body: Body<P>) => Code): string {
  const types: ValueType[] = [];
  const variable = <T extends ValueType>(type: T, index: number): Local<T> => ({
    type,
    index,
    code: `\x20${unsigned(index)}`,
  });
  const local = <T extends ValueType>(type: T): Local<T> => variable(type, params.length + types.push(type) - 1);
  const code = write({
    params: params.map(variable) as Body<P>['params'],
    local,
    *locals(type) {
      for (;;) yield local(type);
    },
  });
  return sized([vector(types.map((type) => `\x01${typeByte[type]}`)), code, '\x0b']);
}

/** A module that imports its memory as env.memory. */
export function moduleBuilder(memory: MemoryImport): ModuleBuilder {
  /** The type of a function, and its number. */
  const types = new Map<string, number>();
  const imports: Code[] = [memoryCode(memory)];
  const functionTypes: number[] = [];
  const bodies: Code[] = [];
  const exported: Code[] = [];
  let importedFunctions = 0;

  const typeIndex = ({ params, results }: Signature): number => {
    const code = joined(['\x60', typesCode(params), typesCode(results)]);
    const index = types.get(code) ?? types.size;
    types.set(code, index);
    return index;
  };

  return {
    importFunc(name, signature) {
      if (functionTypes.length > 0)
        throw new TypeError(`the import ${name} must come before the module's own functions`);
      imports.push([nameCode('env'), nameCode(name), '\x00', unsigned(typeIndex(signature))]);
      return { index: importedFunctions++, signature };
    },
    func(signature, write, exportName) {
      // A body may add the functions that it calls: they come before it.
      const code = functionCode(signature.params, write);
      const index = importedFunctions + functionTypes.push(typeIndex(signature)) - 1;
      bodies.push(code);
      if (exportName !== undefined) exported.push([nameCode(exportName), '\x00', unsigned(index)]);
      return { index, signature };
    },
    build() {
      const code = joined([
        '\0asm\x01\0\0\0',
        section(1, vector([...types.keys()])),
        section(2, vector(imports)),
        section(3, vector(functionTypes.map(unsigned))),
        section(7, vector(exported)),
        section(10, vector(bodies)),
      ]);
      const bytes = new Uint8Array(code.length);
      for (let i = 0; i < bytes.length; i++) bytes[i] = code.charCodeAt(i);
      return bytes;
    },
  };
}
