/** A plain table of the status page, or one sentence where it would be empty. */
import { useId, type ReactNode } from "react";

interface Row {
  key: string;
  bad?: boolean;
  cells: ReactNode[];
}

export function Table({ title, columns, rows, empty }: { title: string; columns: string[]; rows: Row[]; empty: string }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {rows.length === 0 ? (
        <p className="quiet">{empty}</p>
      ) : (
        // Wide tables are scrolled sideways, by the keyboard too.
        <div className="table-scroll" role="group" aria-labelledby={id} tabIndex={0}>
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key} className={row.bad ? "bad" : undefined}>
                  {row.cells.map((cell, index) => (
                    <td key={columns[index]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
