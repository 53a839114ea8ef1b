/**
 * Which module of a model an update means. Kohya's scripts write a module's path with _ for every dot, and for Stable
 * Diffusion XL the path that the module has in the authors' own UNet (`input_blocks.4.1`), not in diffusers.
 */

/**
 * A function that finds the path of the module that a name means; undefined where the model has none.
 * @param parameters the names of a model's parameters, as `conv_in.weight`
 */
export function moduleFinder(parameters: Iterable<string>): (name: string) => string | undefined {
  const paths = [...parameters].filter((name) => name.endsWith('.weight')).map((name) => name.slice(0, -7));
  const known = new Map(paths.map((path) => [underscored(path), path]));
  const others = new Map(authorsNames(paths).map(([other, path]) => [underscored(other), path]));
  return (name) => known.get(underscored(name)) ?? others.get(underscored(name));
}

const underscored = (path: string): string => path.replaceAll('.', '_');

/** What modules outside of the blocks are called in the authors' UNet. */
const outside: readonly (readonly [string, string])[] = [
  ['input_blocks.0.0', 'conv_in'],
  ['time_embed.0', 'time_embedding.linear_1'],
  ['time_embed.2', 'time_embedding.linear_2'],
  ['label_emb.0.0', 'add_embedding.linear_1'],
  ['label_emb.0.2', 'add_embedding.linear_2'],
  ['out.0', 'conv_norm_out'],
  ['out.2', 'conv_out'],
];

/** What is called otherwise inside of a ResNet block. */
const inResnets: readonly (readonly [string, string])[] = [
  ['in_layers.0', 'norm1'],
  ['in_layers.2', 'conv1'],
  ['emb_layers.1', 'time_emb_proj'],
  ['out_layers.0', 'norm2'],
  ['out_layers.3', 'conv2'],
  ['skip_connection', 'conv_shortcut'],
];

/** The names of modules in the authors' UNet, each with its path in diffusers. */
function authorsNames(paths: readonly string[]): readonly (readonly [string, string])[] {
  const places = [...downPlaces(paths), ...middlePlaces, ...upPlaces(paths)];
  const inside = paths.flatMap((path) => {
    const place = places.find(([, ours]) => path === ours || path.startsWith(`${ours}.`));
    if (!place) return [];
    const [theirs, ours] = place;
    const rest = path.slice(ours.length + 1);
    const name = ours.includes('.resnets.') ? inResnets.find(([, here]) => here === rest)?.[0] : rest;
    return [[name ? `${theirs}.${name}` : theirs, path] as const];
  });
  return [...outside.filter(([, path]) => paths.includes(path)), ...inside];
}

const middlePlaces: readonly (readonly [string, string])[] = [
  ['middle_block.0', 'mid_block.resnets.0'],
  ['middle_block.1', 'mid_block.attentions.0'],
  ['middle_block.2', 'mid_block.resnets.1'],
];

/** What the blocks of one direction have: how many layers each, whether they attend, whether they halve or double. */
function blocksOf(paths: readonly string[], direction: 'down' | 'up') {
  const counts: { layers: number; attends: boolean; samples: boolean }[] = [];
  for (const path of paths) {
    const [, block, kind, layer] = new RegExp(`^${direction}_blocks\\.(\\d+)\\.(\\w+)\\.(\\d+)\\.`).exec(path) ?? [];
    if (block === undefined) continue;
    const place = Number(block);
    const before = counts[place] ?? { layers: 0, attends: false, samples: false };
    counts[place] = {
      layers: kind === 'resnets' ? Math.max(before.layers, Number(layer) + 1) : before.layers,
      attends: before.attends || kind === 'attentions',
      samples: before.samples || (kind?.endsWith('samplers') ?? false),
    };
  }
  return counts;
}

/** The way down: a place for every layer, and one for halving behind each block; the first is the convolution's. */
function downPlaces(paths: readonly string[]): readonly (readonly [string, string])[] {
  let place = 1;
  return blocksOf(paths, 'down').flatMap(({ layers, samples }, block) => {
    const first = place;
    place += layers + Number(samples);
    return [
      ...layerPlaces('input_blocks', first, `down_blocks.${block}`, layers),
      [`input_blocks.${first + layers}.0.op`, `down_blocks.${block}.downsamplers.0.conv`] as const,
    ];
  });
}

/** The way up: a place for every layer, the last of a block doubles, too. */
function upPlaces(paths: readonly string[]): readonly (readonly [string, string])[] {
  let place = 0;
  return blocksOf(paths, 'up').flatMap(({ layers, attends }, block) => {
    const first = place;
    place += layers;
    const doubling = `output_blocks.${place - 1}.${attends ? 2 : 1}.conv`;
    return [
      ...layerPlaces('output_blocks', first, `up_blocks.${block}`, layers),
      [doubling, `up_blocks.${block}.upsamplers.0.conv`] as const,
    ];
  });
}

/** Of each layer the ResNet block and, behind it, the attention. */
function layerPlaces(theirs: string, first: number, ours: string, layers: number): (readonly [string, string])[] {
  return Array.from({ length: layers }, (_, layer) => [
    [`${theirs}.${first + layer}.0`, `${ours}.resnets.${layer}`] as const,
    [`${theirs}.${first + layer}.1`, `${ours}.attentions.${layer}`] as const,
  ]).flat();
}
