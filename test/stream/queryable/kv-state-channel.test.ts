import { expect, test } from 'vitest';
import {
  KvStateChannel,
  type KvStateRequestMessage,
  KvStateServerUnreachableException,
} from '../../../src/stream/queryable/index.ts';
import { thrownBy } from '../../builders/failure-of.ts';

function aChannel() {
  const sent: KvStateRequestMessage[] = [];
  return { sent, channel: new KvStateChannel((message) => sent.push(message)) };
}

const ask = (channel: KvStateChannel, key: number) => channel.request({ kvStateId: 'kv', key });

test('1 024 requests, half failing, each get their own answer in any order', async () => {
  const { channel, sent } = aChannel();
  const answers = Array.from({ length: 1_024 }, (_, key) => ask(channel, key));
  for (const { requestId, request } of sent.toReversed()) {
    const key = request.key as number;
    const response =
      key % 2 === 0 ? { kind: 'found' as const, value: key * 10 } : { kind: 'failed' as const, cause: `${key}` };
    channel.receive({ requestId, response });
  }
  const got = await Promise.all(answers);
  expect(
    got.every((answer, key) =>
      answer.kind === 'found' ? answer.value === key * 10 : answer.kind === 'failed' && answer.cause === `${key}`,
    ),
  ).toBe(true);
  expect(got.filter(({ kind }) => kind === 'failed')).toHaveLength(512);
  expect(channel.outstanding).toBe(0);
});

test('the failure of a server fails all requests under way and every later one', async () => {
  const { channel, sent } = aChannel();
  const answers = Array.from({ length: 3 }, (_, key) => ask(channel, key));
  channel.close(new Error('worker 1 exited'));
  channel.close(new Error('again'));
  const outcomes = await Promise.allSettled(answers);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { message: "the state's server is gone: worker 1 exited" },
    });
  }
  expect(await thrownBy(() => ask(channel, 4))).toBeInstanceOf(KvStateServerUnreachableException);
  expect(sent).toHaveLength(3);
  expect(channel.outstanding).toBe(0);
});

test('a request that cannot be sent fails alone', async () => {
  const channel = new KvStateChannel(() => {
    throw new Error('port closed');
  });
  expect((await thrownBy(() => ask(channel, 1))).message).toBe('query not sent: port closed');
  expect(channel.outstanding).toBe(0);
});

test('an answer nobody waits for is dropped', () => {
  const { channel } = aChannel();
  expect(() => channel.receive({ requestId: 99, response: { kind: 'notFound' } })).not.toThrow();
});
