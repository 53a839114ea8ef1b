// Starts workerd with workerd/config.capnp, asks it once, prints its answer, and ends it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const server = spawn(process.argv[2], ['serve', 'workerd/config.capnp'], { stdio: ['ignore', 'ignore', 'inherit'] });
while (!existsSync('workerd/socket') && server.exitCode === null) await setTimeout(50);
const answer = await new Promise((resolve, reject) => {
  const question = request({ socketPath: 'workerd/socket', path: '/' }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (more) => (text += more));
    response.on('end', () => resolve(text));
  });
  question.on('error', reject).end();
});
console.log(answer);
server.kill();
