CREATE TABLE `revocations` (
	`host_id` text PRIMARY KEY NOT NULL,
	`key_serial` integer,
	`created_at` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `hosts` ADD `key_serial` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `status_reason` text;
