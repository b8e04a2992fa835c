/** Something that the person at the terminal can mend; its message is one sentence that tells how. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** EX_CONFIG of sysexits.h: a process that ends with it is not started again. */
export const exitCodeForGood = 78;
