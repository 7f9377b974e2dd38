/** Keeps unsent changes in the browser over a reload: one list per person and tab. Those of tabs that are gone are taken over. */
import { readBack, type Entry } from "./queue";

const GONE_MS = 15_000;
const BEAT_MS = 5_000;
const PREFIX = "vedette.annotate.";

export class Keep {
  private readonly prefix: string;
  private readonly key: string;
  private empty = true;
  private readonly timer: number;

  constructor(person: string) {
    this.prefix = `${PREFIX}${person}.`;
    const tab = read(window.sessionStorage, PREFIX) ?? String(Math.random()).slice(2);
    write(window.sessionStorage, PREFIX, tab);
    this.key = this.prefix + tab;
    this.timer = window.setInterval(() => this.beat(), BEAT_MS);
  }

  /** What is kept stays; this tab no longer says that it is there. */
  leave(): void {
    window.clearInterval(this.timer);
  }

  /** What this tab, and tabs that have gone, had not sent. */
  take(): Entry[] {
    const own = readBack(read(window.localStorage, this.key));
    const keys = Object.keys(window.localStorage).filter((key) => key.startsWith(this.prefix) && !key.endsWith(".beat") && key !== this.key);
    const left = keys.filter((key) => Date.now() - Number(read(window.localStorage, `${key}.beat`) ?? 0) > GONE_MS);
    const others = left.flatMap((key) => readBack(read(window.localStorage, key)));
    const all = [...own, ...others];
    this.put(all);
    for (const key of left) forget(key);
    return all;
  }

  put(entries: readonly Entry[]): void {
    this.empty = entries.length === 0;
    if (this.empty) forget(this.key);
    else write(window.localStorage, this.key, JSON.stringify(entries));
    this.beat();
  }

  private beat(): void {
    if (!this.empty) write(window.localStorage, `${this.key}.beat`, String(Date.now()));
  }
}

function read(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function write(storage: Storage, key: string, value: string): void {
  try {
    storage.setItem(key, value);
  } catch {
    // Storage is full or switched off: what is unsent lasts as long as the page.
  }
}

function forget(key: string): void {
  window.localStorage.removeItem(key);
  window.localStorage.removeItem(`${key}.beat`);
}
