/** The sign of Vedette: a lookout under a roof. */
export function Mark() {
  return (
    <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" className="mark">
      <path d="M3.5 13.5 12 5.5l8.5 8" fill="none" stroke="currentColor" strokeWidth="2.4" strokeLinecap="round" strokeLinejoin="round" />
      <circle cx="12" cy="16" r="3" fill="currentColor" />
    </svg>
  );
}
