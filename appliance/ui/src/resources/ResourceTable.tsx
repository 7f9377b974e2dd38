/** A table of resources; the row of the one that is open is followed by all that is known of it. */
import { ChevronDown, ChevronRight } from "lucide-react";
import { useId, type ReactNode } from "react";
import { open, useOpened, type Opened } from "./place";

export interface ResourceRow {
  name: string;
  cells: ReactNode[];
  detail: () => ReactNode;
}

interface Props {
  kind: Opened["kind"];
  title: string;
  columns: string[];
  rows: ResourceRow[];
  empty: ReactNode;
}

export function ResourceTable({ kind, title, columns, rows, empty }: Props) {
  const id = useId();
  const opened = useOpened();
  const missing = opened?.kind === kind && !rows.some((row) => row.name === opened.name) ? opened.name : null;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {missing ? <p className="bad" role="status">{`${missing} is not there any more.`}</p> : null}
      {rows.length === 0 ? (
        <div className="teach">{empty}</div>
      ) : (
        // Wide tables are scrolled sideways, by the keyboard too.
        <div className="table-scroll" role="group" aria-labelledby={id} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {["Name", ...columns].map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            {rows.map((row) => (
              <Row key={row.name} kind={kind} row={row} columns={columns} shown={opened?.kind === kind && opened.name === row.name} />
            ))}
          </table>
        </div>
      )}
    </section>
  );
}

function Row({ kind, row, columns, shown }: { kind: Opened["kind"]; row: ResourceRow; columns: string[]; shown: boolean }) {
  const id = useId();
  return (
    <tbody data-open={shown} data-resource={row.name}>
      <tr>
        <th scope="row">
          <button type="button" className="row-name" aria-expanded={shown} aria-controls={shown ? id : undefined} onClick={() => open(shown ? null : { kind, name: row.name })}>
            {shown ? <ChevronDown /> : <ChevronRight />}
            {row.name}
          </button>
        </th>
        {row.cells.map((cell, index) => (
          <td key={columns[index]}>{cell}</td>
        ))}
      </tr>
      {shown ? (
        <tr className="detail">
          <td colSpan={columns.length + 1} id={id}>
            {row.detail()}
          </td>
        </tr>
      ) : null}
    </tbody>
  );
}
