"""What every recipe must keep, and tiny tables whose answer is known. Public: run it on a recipe of your own."""
