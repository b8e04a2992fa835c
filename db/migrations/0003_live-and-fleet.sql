CREATE TABLE `events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`timestamp` text NOT NULL,
	`event` text NOT NULL,
	`level` text NOT NULL,
	`vm_id` text,
	`host_id` text,
	`operation_id` text,
	`user_id` text,
	`data` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `events_user` ON `events` (`user_id`,`seq`);--> statement-breakpoint
CREATE INDEX `events_vm` ON `events` (`vm_id`,`seq`);--> statement-breakpoint
CREATE INDEX `events_timestamp` ON `events` (`timestamp`);--> statement-breakpoint
CREATE TABLE `revocations` (
	`host_id` text PRIMARY KEY NOT NULL,
	`key_serial` integer,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `watchers` (
	`hub` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`sees_all` integer NOT NULL,
	`told` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `hosts` ADD `key_serial` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `status_reason` text;
