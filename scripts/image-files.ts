/**
 * `node scripts/image-files.ts <folder>`: what the container image holds besides Node.js. The command with everything it needs,
 * packages included, so that nothing has to be installed: `main.js operator` is the operator, `main.js run-job` the process of
 * a job. Shared parts are in files of their own, so that a job's `flinkjob` and the running engine are one code.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** What esbuild's format has to offer to packages that are of the older kind. */
const REQUIRE =
  "import { createRequire as madeRequire } from 'node:module'; const require = madeRequire(import.meta.url);";

/**
 * Reading kubeconfigs takes a package of megabytes, and a pod has none to read: in the image that says so in one line.
 */
const withoutKubeconfig: Plugin = {
  name: 'without-kubeconfig',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ path }) => ({ path, namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents:
        'export class KubeConfig { constructor() { throw new Error("the container image reads no kubeconfig; use the npm package flinkjob for that"); } }',
    }));
  },
};

/**
 * An import of `node:http` reads every name that it offers, and one of them (`WebSocket`) loads an HTTP client of Node.js' own:
 * a twentieth of the operator's start. Here the others are taken without asking for that one.
 */
const httpWithoutWebSocket: Plugin = {
  name: 'http-without-websocket',
  setup: ({ onResolve, onLoad }) => {
    const isAsked = /^node:http$/;
    onResolve({ filter: isAsked }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'http-without-websocket' } : undefined,
    );
    onLoad({ filter: isAsked, namespace: 'http-without-websocket' }, () => ({
      contents: `const http = process.getBuiltinModule('node:http'); export const { ${HTTP_NAMES.join(', ')} } = http;`,
    }));
  },
};

const HTTP_NAMES = Object.keys(http).filter((name) => !/^(WebSocket|CloseEvent|MessageEvent)$/.test(name));

/**
 * Writes the files into a folder that is made.
 * @returns what they import that is not among them
 */
export async function writeImageFiles(folder: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'src/launcher.ts',
      index: 'src/index.ts',
      'worker-entry': 'src/stream/task/worker-entry.ts',
      'job-process': 'src/cli/job-process/entry.ts',
    },
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Functions keep their names, and stack traces say them. Giving short ones back their own (keepNames) is paid at each start.
    minifyWhitespace: true,
    minifySyntax: true,
    banner: { js: REQUIRE },
    chunkNames: 'chunk-[hash]',
    legalComments: 'none',
    plugins: [withoutKubeconfig, httpWithoutWebSocket],
    metafile: true,
    logLevel: 'warning',
  });
  mkdirSync(folder, { recursive: true });
  const { name, version, license, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name, version, license, type })}\n`);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'THIRD-PARTY-LICENSES'), licensesOf(metafile));
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  return [...new Set(imports.filter(({ external }) => external === true).map(({ path }) => path))];
}

/** The licence of every package that is in the files. */
function licensesOf({ inputs }: Metafile): string {
  const folders = new Set(
    Object.keys(inputs).flatMap((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  return [...folders].sort().map(licenseIn).join('\n');
}

function licenseIn(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
  const text = file === undefined ? '' : readFileSync(join(root, folder, file), 'utf8');
  return `${name} ${version} (${license})\n\n${text.trim()}\n\n${'-'.repeat(80)}\n`;
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined || existsSync(join(folder, 'dist'))) {
    console.error('usage: node scripts/image-files.ts <folder without dist>');
    process.exitCode = 2;
  } else {
    await writeImageFiles(folder);
    console.log(`wrote ${dirname(join(folder, 'dist'))}`);
  }
}
