/** Postrider's mark: a post horn. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" fill="none">
      <g stroke="currentColor" strokeWidth="2.6" strokeLinecap="round">
        <path d="M2.5 9.5h17.2a6.6 6.6 0 1 1-6.6 6.6c0-3.7 3-6.6 6.6-6.6" />
        <path d="M19.7 9.5h4.6" />
      </g>
      <path d="M23.2 8.1c2.6 0 4.6-1.2 6.3-3.6v10c-1.7-2.4-3.7-3.6-6.3-3.6z" fill="currentColor" />
      <path d="M2.5 7.3v4.4" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" />
      <path
        d="M13.6 24.6 11 29m13-3.5 1.6 3.5"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
      />
    </svg>
  );
}
