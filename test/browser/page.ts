/**
 * A page in a real browser: serves the built package, as a site that uses it would (cross-origin isolated, for the SharedArrayBuffer),
 * opens it in a headless Chromium and answers what the page's module sends back.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
};
const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** What a page imports by name. */
const IMPORTS = { unbash: '/node_modules/unbash/dist/parser.js' };

function html(module: string): string {
  return `<!doctype html><script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module">
const send = (body) => fetch('/answer', { method: 'POST', body: JSON.stringify(body) });
addEventListener('unhandledrejection', ({ reason }) => send({ error: String(reason?.stack ?? reason) }));
try { send({ answer: await (async () => { ${module} })() }); } catch (error) { send({ error: String(error?.stack ?? error) }); }
</script>`;
}

/** Runs `module` (the body of an async function that may `await import('/dist/…')`) in the browser and answers what it returns. */
export async function inBrowser(module: string, timeoutMs = 60_000): Promise<unknown> {
  let settle: (answer: { answer?: unknown; error?: string }) => void = () => {};
  const answered = new Promise<{ answer?: unknown; error?: string }>((resolve) => {
    settle = resolve;
  });
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    if (request.method === 'POST') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      response.writeHead(204, HEADERS).end();
      settle(JSON.parse(Buffer.concat(chunks).toString()));
    } else if (path === '/') {
      response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/html' }).end(html(module));
    } else {
      const bytes = await readFile(join(ROOT, path)).catch(() => null);
      const type = TYPES[extname(path)] ?? 'application/octet-stream';
      response.writeHead(bytes === null ? 404 : 200, { ...HEADERS, 'Content-Type': type }).end(bytes ?? '');
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = await mkdtemp(join(tmpdir(), 'memcharge-browser-'));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const browser = spawn('chromium', [...flags, `--user-data-dir=${profile}`, url], { stdio: 'ignore', detached: true });
  const timer = setTimeout(() => settle({ error: `no answer within ${timeoutMs} ms` }), timeoutMs);
  browser.on('error', (error) => settle({ error: `chromium: ${error.message}` }));
  const { answer, error } = await answered;
  clearTimeout(timer);
  if (browser.pid !== undefined) {
    const gone = new Promise((resolve) => browser.once('exit', resolve));
    process.kill(-browser.pid, 'SIGKILL');
    await gone;
  }
  server.close();
  server.closeAllConnections();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  if (error !== undefined) throw new Error(error);
  return answer;
}
