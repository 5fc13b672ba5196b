"""What Cluster API's controllers think of objects, in replank's own words. Pure."""
