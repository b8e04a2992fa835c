CREATE TABLE `host_images` (
	`image_id` text NOT NULL,
	`host_id` text NOT NULL,
	PRIMARY KEY(`image_id`, `host_id`),
	FOREIGN KEY (`host_id`) REFERENCES `hosts`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `host_images_host` ON `host_images` (`host_id`);--> statement-breakpoint
DROP INDEX `vms_host`;--> statement-breakpoint
CREATE INDEX `vms_host` ON `vms` (`host_id`);--> statement-breakpoint
ALTER TABLE `hosts` ADD `maintenance` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_vms` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_cpu` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_memory` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `hosts` ADD `allocated_disk` integer DEFAULT 0 NOT NULL;