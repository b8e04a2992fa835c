ALTER TABLE `hosts` ADD `updatable` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_version` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_ordered_at` text;--> statement-breakpoint
ALTER TABLE `hosts` ADD `update_error` text;