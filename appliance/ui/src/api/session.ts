/** Signing in and out. A one-time link is taken out of the address before anything else reads or keeps it. */
import { client, unwrap, type Session } from "./client";
import { createStore } from "../state/store";
import { queries } from "./queries";

/** The secret of a one-time link (`#link=` or `?link=`), removed from the address and the history entry. */
export function takeLink(): string | null {
  const url = new URL(window.location.href);
  const link = new URLSearchParams(url.hash.slice(1)).get("link") ?? url.searchParams.get("link");
  if (/^\/sign-?in\/?$/.test(url.pathname) || link !== null) {
    url.searchParams.delete("link");
    window.history.replaceState(null, "", `/${url.search}`);
  }
  return link;
}

export async function signIn(how: { link: string } | { name: string; password: string }): Promise<Session> {
  const session = await unwrap(client.POST("/api/session", { body: how }));
  become(session);
  return session;
}

export async function signOut(): Promise<void> {
  await unwrap(client.DELETE("/api/session"));
  become(null);
}

/** Who works on this page: stays when the session ends by itself, so that nothing drawn or typed goes with it. */
export const person = createStore<Session | null>(null);

/** What one person was told is not kept for the next. The session itself stays: the page watches it. */
function become(session: Session | null): void {
  const same = session !== null && session.name === person.get()?.name;
  person.set(session);
  if (!same) queries.removeQueries({ predicate: (query) => query.queryKey[0] !== "session" });
  queries.setQueryData<Session | null>(["session"], session);
  if (same) void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "session" });
}
