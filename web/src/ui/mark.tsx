/** Postrider's mark: a post horn. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" fill="none">
      <path
        d="M3.5 9.2h11.2a8.4 8.4 0 1 1-8.4 8.4c0-4.7 3.7-8.4 8.4-8.4h6"
        stroke="currentColor"
        strokeWidth="3"
        strokeLinecap="round"
      />
      <path d="M19 7.6c4.6 0 7.8-1.5 11-5.1v13.4c-3.2-3.6-6.4-5.1-11-5.1z" fill="currentColor" />
      <path d="M2.6 6.4v5.6" stroke="currentColor" strokeWidth="2.6" strokeLinecap="round" />
    </svg>
  );
}
