/**
 * What TypeDoc has to know of this house: a declaration stands under the room that it comes from, and comments are
 * plain text with code in backticks. [B,C,H,W] is a shape there, and no link.
 */
import { readFileSync } from 'node:fs';
import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc';

/** The modules by the names that a program imports them under. */
const modules = {
  index: { name: 'pag-reference', says: 'What runs in Node and in a browser alike, room by room.' },
  node: { name: 'pag-reference/node', says: 'Files and PNG, which need Node.' },
};

/** What lives in each room, from the table in the README. */
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const rooms = [...readme.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, room, says]) => ({ room, says }));

/** TypeDoc calls this with its application. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      if (reflection.comment) readAsPlainText(reflection.comment);
      if (reflection.kindOf(ReflectionKind.Module)) introduce(reflection);
      if (reflection.parent?.kindOf(ReflectionKind.Module)) putInRoom(reflection);
    }
  });
}

function introduce(module) {
  const { name, says } = modules[module.name];
  module.name = name;
  const own = new Set(module.children?.map(roomOf));
  const descriptions = rooms
    .filter(({ room }) => own.has(room))
    .map((one) => new CommentTag('@categoryDescription', [{ kind: 'text', text: `${one.room}\n${one.says}.` }]));
  module.comment = new Comment([{ kind: 'text', text: says }], descriptions);
}

/** TypeDoc reads the category of a declaration from its comment; that of a function is that of its signatures. */
function putInRoom(reflection) {
  const room = roomOf(reflection);
  if (room === undefined) return;
  for (const { comment } of reflection.signatures ?? [reflection])
    comment?.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: room }]));
}

function roomOf({ sources }) {
  return /\/src\/(\w+)\//.exec(sources?.[0]?.fullFileName ?? '')?.[1];
}

function readAsPlainText(comment) {
  const parts = [...comment.summary, ...comment.blockTags.flatMap(({ content }) => content)];
  for (const part of parts) if (part.kind === 'text') part.text = part.text.replace(/[[\]*_<>]/g, '\\$&');
}
