/** Sets an object's one alarm to `time`, in ms since 1970, unless it is set to something earlier. */
export async function wakeAt(storage: DurableObjectStorage, time: number): Promise<void> {
  const present = await storage.getAlarm();
  if (present === null || present > time) await storage.setAlarm(time);
}
