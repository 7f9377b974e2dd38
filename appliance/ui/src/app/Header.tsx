/** 40 pixels: the name, the dataset, the palette, the workers, the person. */
import { Search } from "lucide-react";
import type { Session } from "../api/client";
import { paletteOpen } from "../palette/open";
import { AccountMenu } from "./AccountMenu";
import { DatasetMenu } from "./DatasetMenu";
import { Mark } from "./Mark";
import { WorkerMenu } from "./WorkerMenu";

export function Header({ session }: { session: Session }) {
  return (
    <header className="header">
      <h1 className="brand">
        <Mark />
        Vedette
      </h1>
      <DatasetMenu session={session} />
      <button type="button" className="search" onClick={() => paletteOpen.set(true)}>
        <Search />
        <span>Search scenes, detectors, places, commands</span>
        <kbd>Ctrl K</kbd>
      </button>
      <WorkerMenu session={session} />
      <AccountMenu session={session} />
    </header>
  );
}
