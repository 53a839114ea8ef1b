/**
 * What the sources declare, as TypeScript's own compiler sees it: which declarations a file exports, whether they are
 * documented, and which types their signatures mention. The compiler's interface is called unstable by its makers; the
 * lock file pins the version that is used here.
 */
import { relative } from 'node:path';
import {
  isBlock,
  isExpressionWithTypeArguments,
  isFunctionDeclaration,
  isImportTypeNode,
  isParameterDeclaration,
  isTypeReferenceNode,
  isVariableDeclaration,
  type Node,
} from 'typescript/unstable/ast';
import { API, SymbolFlags, type Project, type Symbol as TypeScriptSymbol } from 'typescript/unstable/sync';

/** A declaration that a file exports, under the name that it has there. */
export interface Declaration {
  readonly name: string;
  /** Where it is written, from the root of the repository on. */
  readonly file: string;
  readonly line: number;
  /** The text of the comment before it, without its stars; empty where there is none. */
  readonly comment: string;
  /** The types of src that its signature mentions by name, but for those in `typeof`, which readers see resolved. */
  readonly mentions: readonly Mention[];
  /** The type that is written down for it: of a constant, of a function's result; undefined where none is. */
  readonly type: string | undefined;
  /** Whether a reader sees what it is: a type is written down, or it is a plain value. */
  readonly isTyped: boolean;
}

/** A type that a signature mentions. */
export interface Mention {
  readonly name: string;
  readonly file: string;
}

/** The sources of the repository, opened once. */
export interface Sources {
  /** What a file exports, what it passes on from other files included, each as its own file declares it. */
  exportsOf(file: string): ReadonlyMap<string, Declaration>;
  close(): void;
}

/** @param root the folder of tsconfig.json */
export function openSources(root: string): Sources {
  const api = new API({ cwd: root });
  const [project] = api.updateSnapshot({ openProjects: [`${root}/tsconfig.json`] }).getProjects();
  if (!project) throw new Error(`${root} has no tsconfig.json`);
  const known = new Map<number, Declaration>();
  return {
    exportsOf(file) {
      const module = sourceOf(project, `${root}/${file}`);
      const symbol = project.checker.getSymbolAtLocation(module);
      const exported = symbol ? project.checker.getExportsOfModule(symbol) : [];
      return new Map(
        exported.map((one) => {
          const original = originalOf(project, one);
          const declaration = known.get(original.id) ?? declarationOf(project, root, original);
          known.set(original.id, declaration);
          return [one.name, declaration];
        }),
      );
    },
    close: () => api.close(),
  };
}

function sourceOf(project: Project, file: string) {
  const source = project.program.getSourceFile(file);
  if (!source) throw new Error(`${file} is no source of the project`);
  return source;
}

function originalOf({ checker }: Project, symbol: TypeScriptSymbol): TypeScriptSymbol {
  return symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function declarationOf(project: Project, root: string, symbol: TypeScriptSymbol): Declaration {
  const nodes = symbol.declarations.flatMap((handle) => handle.resolve(project) ?? []);
  const [first] = nodes;
  if (!first) throw new Error(`${symbol.name} is declared nowhere`);
  const source = first.getSourceFile();
  const start = statementOf(first).getStart();
  return {
    name: symbol.name,
    file: relative(root, source.fileName),
    line: source.text.slice(0, start).split('\n').length,
    comment: commentBefore(source.text, start),
    mentions: nodes.flatMap((node) => mentionsIn(project, root, node)),
    type: typeOf(first)?.getText(),
    isTyped: nodes.every(isTyped),
  };
}

/** The statement that a declaration stands in: of a constant, `export const …`. */
function statementOf(node: Node): Node {
  let statement = node;
  while (statement.parent && statement.parent !== node.getSourceFile()) statement = statement.parent;
  return statement;
}

/** The documentation that ends on the line before `start`; lines for the linter may lie between. */
function commentBefore(text: string, start: number): string {
  const [, comment = ''] = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\n(?:\/\/.*\n)*$/.exec(text.slice(0, start)) ?? [];
  return comment.replace(/^\s*\*?\s?/gm, '').trim();
}

function typeOf(node: Node): Node | undefined {
  return isFunctionDeclaration(node) || isVariableDeclaration(node) ? node.type : undefined;
}

function isTyped(node: Node): boolean {
  if (!isFunctionDeclaration(node) && !isVariableDeclaration(node)) return true;
  return node.type !== undefined || / as const$|= -?[\w.]+$|= '[^']*'$/.test(node.getText());
}

/** What the signature of a declaration mentions: all types in it, but for what stands in the bodies of functions. */
function mentionsIn(project: Project, root: string, declaration: Node): readonly Mention[] {
  const names: Node[] = [];
  const visit = (node: Node): void => {
    if (isBlock(node)) return;
    if (isVariableDeclaration(node) || isParameterDeclaration(node)) {
      // Not the value: how it comes about is nobody's business.
      if (node.type) visit(node.type);
      return;
    }
    if (isTypeReferenceNode(node)) names.push(node.typeName);
    if (isExpressionWithTypeArguments(node)) names.push(node.expression);
    if (isImportTypeNode(node) && node.qualifier) names.push(node.qualifier);
    node.forEachChild((child) => visit(child));
  };
  visit(declaration);
  return names.flatMap((name) => mentioned(project, root, name));
}

function mentioned(project: Project, root: string, name: Node): readonly Mention[] {
  const symbol = project.checker.getSymbolAtLocation(name);
  if (!symbol) return [];
  const original = originalOf(project, symbol);
  if (original.flags & SymbolFlags.TypeParameter) return [];
  const path = original.declarations[0]?.path;
  const file = path === undefined ? '' : relative(root, path);
  return file.startsWith('src/') ? [{ name: original.name, file }] : [];
}
