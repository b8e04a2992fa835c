/** Chinese or English, as the environment says; POSIX' order of the variables. */
export type Language = "zh-CN" | "en";

export function languageOf({ LC_ALL, LC_MESSAGES, LANG }: NodeJS.ProcessEnv): Language {
  return /^zh\b|^zh_/i.test(LC_ALL || LC_MESSAGES || LANG || "") ? "zh-CN" : "en";
}

export const language = languageOf(process.env);

/** The one of both that the reader understands. */
export function t(english: string, chinese: string): string {
  return language === "zh-CN" ? chinese : english;
}
