/** One thing that the doctor has looked at. What is not well says how to mend it. */
export type Finding =
  | { readonly what: string; readonly state: "well"; readonly message: string }
  | { readonly what: string; readonly state: "weak" | "ill"; readonly message: string; readonly mend: string };

export function well(what: string, message: string): Finding {
  return { what, state: "well", message };
}

/** It works, and worse than it could. */
export function weak(what: string, message: string, mend: string): Finding {
  return { what, state: "weak", message, mend };
}

/** Machines can't run here, or nobody can reach them, until it is mended. */
export function ill(what: string, message: string, mend: string): Finding {
  return { what, state: "ill", message, mend };
}
