import { CancelledError, isDeployError } from "../ground/errors.ts";

/** What to throw once `signal` is aborted: its reason where that is one of ours, else a {@link CancelledError}. */
export function cancellation(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error && isDeployError(reason) ? reason : new CancelledError(undefined, { cause: reason });
}

/** @throws CancelledError when `signal` is aborted */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancellation(signal);
}

/** Calls `work` when `signal` aborts, at once when it already is. Disposing takes the call back. */
export function onAbort(signal: AbortSignal, work: () => void): Disposable {
  if (signal.aborted) work();
  else signal.addEventListener("abort", work, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", work) };
}

/** The promise's own end, or a rejection as soon as `signal` aborts. The promise itself goes on. */
export async function unlessCancelled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  using _ = onAbort(signal, () => reject(cancellation(signal)));
  aborted.catch(() => undefined);
  return await Promise.race([promise, aborted]);
}

/** The promise's own end, or a rejection once `ms` milliseconds have passed. The promise itself goes on. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
